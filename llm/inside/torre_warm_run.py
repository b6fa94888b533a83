"""Runs chosen tests in the current process, for `torre_warm.py`: by pytest, by unittest, or by a direct call.

A test's result is a dict: `status` (passed, failed, error, skipped), `error` (the exception's type name),
`trace` (its frames in the workspace, outermost first, as [path, line]), `s` (seconds of CPU time), `lines` where
traced.
"""

# Python 3.8, unittest's own method names, and tests that may raise anything.
# ruff: noqa: PTH100, PTH113, N802, BLE001, B905, RUF005

import importlib
import inspect
import os
import signal
import sys
import time
import traceback
import unittest

_HUNG_S = 0.08
_LOADER = "unittest.loader._FailedTest."


class TookTooLong(BaseException):
    """Raised into a test of the unchanged program that runs longer than it may."""


class Ledger:
    """Results by test id, with the lines of the workspace that each test executed when `root` is traced."""

    def __init__(self, root, traced=False, limit_s=0.0, hung=()):
        self.root = root + os.sep
        self.traced = traced
        self.limit_s = limit_s
        self.hung = set(hung)
        self.results = {}
        self.specs = {}
        self.imported = set()
        self._current = self.imported
        self._mine = {}
        self._began = 0.0

    def mine(self, filename):
        """Whether a file is the workspace's own source, not an installed package."""
        known = self._mine.get(filename)
        if known is None:
            path = os.path.abspath(filename)
            inside = path.startswith(self.root) and "-packages" + os.sep not in path and path.endswith(".py")
            known = self._mine[filename] = path[len(self.root) :] if inside else ""
        return known

    def trace(self, on):
        if self.traced:
            sys.settrace(self._enter if on else None)

    def _enter(self, frame, event, arg):
        path = self.mine(frame.f_code.co_filename)
        if not path:
            return None
        self._current.add((path, frame.f_lineno))
        return self._step

    def _step(self, frame, event, arg):
        if event == "line":
            self._current.add((self.mine(frame.f_code.co_filename), frame.f_lineno))
        return self._step

    def begin(self, test_id):
        self._current = set()
        self._began = time.process_time()
        self.results[test_id] = {"status": "passed", "error": "", "trace": []}
        self._arm(self._limit(test_id))
        self.trace(True)

    def _limit(self, test_id):
        """Seconds for one test. Where many hang, a look at the first ones is enough."""
        if test_id in self.hung:
            return min(self.limit_s, _HUNG_S)
        return max(self.limit_s / 4 ** len(self.hung), min(self.limit_s, _HUNG_S))

    def _arm(self, cpu_s):
        if self.limit_s:
            for timer, name, share in ((signal.ITIMER_PROF, "SIGPROF", 1), (signal.ITIMER_REAL, "SIGALRM", 5)):
                signal.signal(getattr(signal, name), too_long)
                signal.setitimer(timer, share * cpu_s)

    def end(self, test_id):
        sys.settrace(None) if self.traced else None
        self._arm(0.0)
        result = self.results[test_id]
        result["s"] = time.process_time() - self._began
        if self.traced:
            result["lines"] = by_path(self._current)
        self._current = self.imported

    def fail(self, test_id, status, error="", frames=()):
        result = self.results.setdefault(test_id, {"status": "passed", "error": "", "trace": [], "s": 0.0})
        if result["status"] in ("passed", "skipped"):
            result["status"] = status
        if error == "TookTooLong":
            self.hung.add(test_id)
        if error and not result["error"]:
            result["error"] = error
            result["trace"] = [[self.mine(path), line] for path, line in frames if self.mine(path)]
        if self.traced and "lines" not in result:
            result["lines"] = by_path(self.imported)


def too_long(signum, frame):
    raise TookTooLong("the test ran longer than it may")


def by_path(pairs):
    lines = {}
    for path, line in sorted(pairs):
        lines.setdefault(path, []).append(line)
    return lines


def _frames(tb):
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(tb)]


def _chosen(tests, names, order, separator):
    """Tests that are wanted by their own name or by that of a class or file around them, in the wanted order."""
    ranked = []
    for n, (test, name) in enumerate(zip(tests, names)):
        while name not in order and separator in name:
            name = name.rpartition(separator)[0]
        if name in order:
            ranked.append((order[name], n, test))
    return [test for _, _, test in sorted(ranked, key=lambda entry: entry[:2])]


def reported(name, results):
    """Whether a wanted test, or some test of a wanted class or file, has a result."""
    return name in results or any(other.startswith((name + "::", name + ".")) for other in results)


class PytestPlugin:
    """Keeps the wanted tests (None: all) in the wanted order, and writes down how they end."""

    def __init__(self, ledger, wanted, serve=None):
        self.ledger = ledger
        self.serve = serve
        self.order = None if wanted is None else {name: n for n, name in enumerate(wanted)}
        self.files = None if wanted is None else {name.split("::")[0] for name in wanted}

    def pytest_collection_modifyitems(self, config, items):
        self.ledger.trace(False)
        if self.order is not None:
            items[:] = _chosen(items, [item.nodeid for item in items], self.order, "::")
        for item in items:
            self.ledger.specs[item.nodeid] = spec_of_pytest(item)

    def pytest_runtestloop(self, session):
        """Where somebody is to be served: hand over a function that runs some tests, however often."""
        self.ledger.trace(False)
        if self.serve is None:
            return None
        self.serve(lambda names, first_failure, limit_s=0.0: self._run(session, names, first_failure, limit_s))
        return True

    def _run(self, session, names, first_failure, limit_s):
        self.ledger.results, self.ledger.limit_s = {}, limit_s
        by_name = {item.nodeid: item for item in session.items}
        items = [by_name[name] for name in names if name in by_name]
        for item, after in zip(items, items[1:] + [None]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if first_failure and self.ledger.results[item.nodeid]["status"] in ("failed", "error"):
                break
        return self.ledger.results

    def pytest_runtest_logstart(self, nodeid, location):
        self.ledger.begin(nodeid)

    def pytest_runtest_logfinish(self, nodeid, location):
        self.ledger.end(nodeid)

    def pytest_runtest_makereport(self, item, call):
        info = call.excinfo
        if info is not None and info.typename not in ("Skipped", "XFailed"):
            self.ledger.fail(item.nodeid, "passed", info.typename, _frames(info.tb))

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.ledger.fail(report.nodeid, "failed" if report.when == "call" else "error")
        elif report.skipped:
            self.ledger.fail(report.nodeid, "skipped")

    def pytest_exception_interact(self, node, call, report):
        if getattr(report, "when", "collect") == "collect":
            cause = call.excinfo.value.__cause__ or call.excinfo.value
            frames = _frames(cause.__traceback__)
            self.ledger.fail(node.nodeid, "error", type(cause).__name__, frames)

    def pytest_collectreport(self, report):
        if report.failed:
            self.ledger.fail(report.nodeid, "error")
        elif report.nodeid and self.order is not None and report.nodeid in self.order:
            self.ledger.results.setdefault(report.nodeid, {"status": "passed", "error": "", "trace": [], "s": 0.0})


def _ignoring(pytest, plugin):
    """The hook that passes over files without a wanted test; its argument is named by pytest's version."""

    def pass_over(path, config):
        root = str(getattr(config, "rootpath", None) or config.rootdir)
        name = os.path.relpath(str(path), root).replace(os.sep, "/")
        return True if name.endswith(".py") and name not in plugin.files and os.path.isfile(str(path)) else None

    if int(pytest.__version__.split(".")[0]) >= 7:

        def pytest_ignore_collect(collection_path, config):
            return pass_over(collection_path, config)
    else:

        def pytest_ignore_collect(path, config):
            return pass_over(path, config)

    return pytest_ignore_collect


def run_pytest(args, wanted, ledger, first_failure, serve=None):
    """Run pytest with the check's own arguments on the wanted tests; or collect them, and `serve`."""
    import pytest
    from _pytest.assertion import rewrite

    # Modules that the parent imported beforehand are not rewritten; under `-W error` saying so would abort.
    rewrite.AssertionRewritingHook._warn_already_imported = lambda self, name: None
    plugin = PytestPlugin(ledger, wanted, serve)
    if wanted is not None:
        plugin.pytest_ignore_collect = _ignoring(pytest, plugin)
    extra = ["--maxfail=1" if first_failure else "--maxfail=0", "--tb=native", "--assert=plain"]
    switches = (("xdist", "-n0"), ("pytest_cov", "--no-cov"))  # they run tests elsewhere, or trace them too
    extra += [option for module, option in switches if _is_loaded(module, args)]
    ledger.trace(True)
    pytest.main(list(args) + extra, plugins=[plugin])
    ledger.trace(False)


def _is_loaded(module, args):
    """Whether pytest loads this plugin: it refuses the options of one that it does not."""
    told = " ".join([*args, os.environ.get("PYTEST_ADDOPTS", "")])
    found = importlib.util.find_spec(module) is not None and "no:" + module not in told
    return found and (not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or module in told)


def spec_of_pytest(item):
    """How to call a collected test without pytest, or None where only pytest can run it."""
    function = getattr(item, "obj", None)
    module = getattr(item, "module", None)
    if module is None or not inspect.isroutine(function) or inspect.iscoroutinefunction(function):
        return None
    owner = getattr(item, "cls", None)
    spec = {
        "module": module.__name__,
        "owner": owner.__qualname__ if owner else "",
        "name": item.name,
        "params": {},
    }
    if owner is not None and issubclass(owner, unittest.TestCase):
        plain = all(name.startswith("_unittest") or name == "request" for name in item.fixturenames)
        return dict(spec, unittest=True) if plain and not list(item.iter_markers()) else None
    callspec = getattr(item, "callspec", None)
    spec["params"] = dict(getattr(callspec, "indices", {}))
    spec["name"] = getattr(item, "originalname", None) or item.name
    only_params = set(item.fixturenames) <= set(spec["params"])
    marks = list(item.iter_markers())
    plain_marks = all(m.name == "parametrize" and "indirect" not in m.kwargs for m in marks)
    on_function = len(marks) == len(getattr(function, "pytestmark", []))
    return spec if only_params and plain_marks and on_function else None


def run_unittest(args, wanted, ledger, first_failure):
    """Run unittest with the check's own arguments on the wanted tests."""

    class Runner:
        def __init__(self, *_, **__):
            pass

        def run(self, suite):
            ledger.trace(False)
            tests = list(_flat(suite))
            if wanted is not None:
                order = {name.split(" ")[0]: n for n, name in enumerate(wanted)}
                tests = _chosen(tests, [id_of(test) for test in tests], order, ".")
            for test in tests:
                ledger.specs[id_of(test)] = spec_of_unittest(test)
            result = _Result(ledger)
            result.failfast = first_failure
            unittest.TestSuite(tests).run(result)
            return result

    ledger.trace(True)
    unittest.main(module=None, argv=["python -m unittest"] + list(args), testRunner=Runner, exit=False)
    ledger.trace(False)


def spec_of_unittest(test):
    kind = type(test)
    if kind.__module__ == "unittest.loader":
        return None
    return {
        "module": kind.__module__,
        "owner": kind.__qualname__,
        "name": test._testMethodName,
        "params": {},
        "unittest": True,
    }


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def id_of(test):
    """A test's id; for a module that cannot be imported or a class fixture, the module's or the class's name."""
    name = test.id()
    if name.startswith(_LOADER):
        return name[len(_LOADER) :]
    return name.partition("(")[2].rstrip(")") if " (" in name and not hasattr(test, "_testMethodName") else name


class _Result(unittest.TestResult):
    """Writes down how tests end, under their own ids or under one given id."""

    def __init__(self, ledger, test_id=""):
        super().__init__()
        self.ledger = ledger
        self.test_id = test_id

    def startTest(self, test):
        super().startTest(test)
        self.ledger.begin(self.test_id or id_of(test))

    def stopTest(self, test):
        self.ledger.end(self.test_id or id_of(test))
        super().stopTest(test)

    def _note(self, test, status, err):
        self.ledger.fail(self.test_id or id_of(test), status, err[0].__name__, _frames(err[2]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed", err)

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failed", err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed", err)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.ledger.fail(self.test_id or id_of(test), "failed", "UnexpectedSuccess")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.ledger.fail(self.test_id or id_of(test), "skipped")


def run_direct(test_id, spec, ledger):
    """Call one test without its runner."""
    ledger.begin(test_id)
    try:
        target = importlib.import_module(spec["module"])
        for part in spec["owner"].split(".") if spec["owner"] else ():
            target = getattr(target, part)
        if spec.get("unittest"):
            unittest.TestSuite([target(spec["name"])]).run(_Result(ledger, test_id))
        else:
            function = getattr(target() if spec["owner"] else target, spec["name"])
            function(**_arguments(function, spec["params"]))
    except BaseException as error:  # whatever a test raises is its result
        ledger.fail(test_id, "failed", type(error).__name__, _frames(error.__traceback__))
    finally:
        ledger.end(test_id)


def _arguments(function, indices):
    """The values that `parametrize` marks give a test, by their index in each mark."""
    values = {}
    for mark in getattr(function, "pytestmark", ()):
        names = mark.args[0]
        names = [n.strip() for n in names.split(",") if n.strip()] if isinstance(names, str) else list(names)
        row = list(mark.args[1])[indices[names[0]]]
        if type(row).__name__ == "ParameterSet":
            row = row.values
        elif len(names) == 1:
            row = (row,)
        values.update(zip(names, row))
    return values
