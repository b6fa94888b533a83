"""Pytest plugin: writes each outcome to $TORRE_REPORT as it happens, and runs only the tests of $TORRE_ONLY.

Loaded by `PYTEST_ADDOPTS=-p torre_pytest_plugin`, so it also works through make or npm. It lies in a folder of
its own: that folder is put on PYTHONPATH, and nothing else must become importable by it. Python 3.8, pytest 6.
"""

import json
import os
import re

import pytest

_ASSERT = re.compile(r"assert\b")
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
_TRACE_LINE = re.compile(r"^(\S.*?\.py):(\d+): ", re.M)
_ERROR_LINE = re.compile(r"^E\s+(.*\S)", re.M)
_TEXT_CHARS = 4000


class Report:
    """Writes one JSON line an outcome; only where the whole run is seen (the controller under xdist)."""

    def __init__(self, path, root):
        self.root = root
        self.out = open(path, "w", encoding="utf-8")
        self.write({"run": "pytest"})

    def write(self, record):
        self.out.write(json.dumps(record) + "\n")
        self.out.flush()

    def pytest_runtest_logstart(self, nodeid, location):
        self.write({"id": nodeid, "status": "started"})

    def pytest_runtest_logreport(self, report):
        status = _status(report)
        if status:
            self.write(
                dict(_place(report, self.root), id=report.nodeid, status=status, duration_s=report.duration)
            )

    def pytest_collectreport(self, report):
        if report.failed:
            self.write(
                dict(_collection_error(report, self.root), id=report.nodeid or "collection", status="error")
            )
        elif report.skipped:
            self.write({"id": report.nodeid, "status": "skipped", "message": _reason(report)})

    def pytest_sessionfinish(self, exitstatus):
        self.write({"finished": int(exitstatus)})


def pytest_configure(config):
    worker = hasattr(config, "workerinput")
    # Taken out of the environment: a pytest that the tests themselves start is not part of this run.
    path = os.environ.pop("TORRE_REPORT", "")
    if path and not worker:
        config.pluginmanager.register(Report(path, str(config.rootdir)), "torre-report")
    if os.environ.get("TORRE_ONLY"):
        config.pluginmanager.register(_only(config), "torre-only")


def _status(report):
    if report.outcome == "rerun" or (report.passed and report.when != "call"):
        return None
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return "skipped" if report.skipped else "passed"  # an expected failure counts as skipped


def _reason(report):
    if getattr(report, "wasxfail", None) is not None:
        return "xfail: " + str(report.wasxfail)
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


def _place(report, root):
    if not report.failed:
        return {"message": _reason(report)} if report.skipped else {}
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return {"message": str(report.longrepr)[-_TEXT_CHARS:], "path": os.path.join(root, report.location[0])}
    path, line = str(crash.path), crash.lineno
    if "site-packages" in path or not os.path.isabs(path) or not os.path.exists(path):
        path, line = os.path.join(root, report.location[0]), (report.location[1] or 0) + 1
    return {"message": crash.message, "code": _code(crash.message), "path": path, "line": line}


def _collection_error(report, root):
    text = str(report.longrepr)
    errors, places = _ERROR_LINE.findall(text), _TRACE_LINE.findall(text)
    message = errors[-1] if errors else text[-_TEXT_CHARS:]
    path, line = places[-1] if places else (report.nodeid.split("::")[0], 0)
    return {"message": message, "code": _code(message), "path": os.path.join(root, path), "line": int(line)}


def _code(message):
    if _ASSERT.match(message):
        return "AssertionError"
    found = _EXCEPTION.match(message)
    return found.group(1) if found else ""


def _only(config):
    wanted = set(json.loads(os.environ["TORRE_ONLY"]))
    files = {os.path.normpath(os.path.join(str(config.rootdir), name.split("::")[0])) for name in wanted}

    def skip(path):
        return True if path.endswith(".py") and not path.endswith("__init__.py") and path not in files else None

    class Only:
        """Leaves the other files uncollected and the other tests unrun."""

        def pytest_collection_modifyitems(self, config, items):
            dropped = [item for item in items if item.nodeid not in wanted]
            items[:] = [item for item in items if item.nodeid in wanted]
            config.hook.pytest_deselected(items=dropped)

    class OnlyNew(Only):
        def pytest_ignore_collect(self, collection_path):
            return skip(str(collection_path))

    class OnlyOld(Only):
        def pytest_ignore_collect(self, path):
            return skip(str(path))

    return OnlyNew() if hasattr(pytest, "version_tuple") else OnlyOld()
