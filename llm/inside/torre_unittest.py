"""`python torre_unittest.py ARGS` is `python -m unittest ARGS`, and writes each outcome to $TORRE_REPORT.

Python 3.8 or later, standard library only.
"""

import json
import os
import re
import sys
import time
import unittest

_LOADER = "unittest.loader._FailedTest."
_FIXTURE = re.compile(r"\w+ \((.+)\)$")  # `setUpClass (module.Class)`: its tests take its place when it works


class Result(unittest.TextTestResult):
    """The usual text, and one JSON line an outcome."""

    report = None
    began = 0.0

    def write(self, test, status, err=None, message=""):
        name = test.id()
        if name.startswith(_LOADER):
            name, status = name[len(_LOADER) :], status if status == "started" else "error"
        held = _FIXTURE.match(name)
        name = held.group(1) if held else name
        record = {"id": name, "status": status, "message": message, "duration_s": time.time() - self.began}
        if err is not None:
            record.update(_place(err))
        Result.report.write(json.dumps(record) + "\n")
        Result.report.flush()

    def startTest(self, test):  # noqa: N802
        super().startTest(test)
        self.began = time.time()
        self.write(test, "started")

    def addSuccess(self, test):  # noqa: N802
        super().addSuccess(test)
        self.write(test, "passed")

    def addFailure(self, test, err):  # noqa: N802
        super().addFailure(test, err)
        self.write(test, "failed", err)

    def addError(self, test, err):  # noqa: N802
        super().addError(test, err)
        self.write(test, "failed" if isinstance(test, unittest.TestCase) else "error", err)

    def addSkip(self, test, reason):  # noqa: N802
        super().addSkip(test, reason)
        self.write(test, "skipped", message=reason)

    def addExpectedFailure(self, test, err):  # noqa: N802
        super().addExpectedFailure(test, err)
        self.write(test, "skipped", message="expected failure")

    def addUnexpectedSuccess(self, test):  # noqa: N802
        super().addUnexpectedSuccess(test)
        self.write(test, "failed", message="unexpected success")

    def addSubTest(self, test, subtest, err):  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.write(test, "failed", err)


def _place(err):
    """Exception, and the innermost frame beneath the current directory (else the innermost of all)."""
    kind, value, trace = err
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    here = [f for f in frames if f[0].startswith(os.getcwd() + os.sep) and "site-packages" not in f[0]]
    path, line = (here or frames or [("", 0)])[-1]
    text = str(value)
    if text.startswith("Failed to import test module"):
        # The loader has flattened the real error to text: its last line is `Type: message`.
        last = text.strip().splitlines()[-1]
        return {
            "code": last.split(":")[0],
            "message": last,
            "path": _last_file(text)[0],
            "line": _last_file(text)[1],
        }
    return {"code": kind.__name__, "message": f"{kind.__name__}: {text}", "path": path, "line": line}


def _last_file(text):
    places = [line.split('"') for line in text.splitlines() if line.strip().startswith('File "')]
    own = [p for p in places if p[1].startswith(os.getcwd() + os.sep)] or places
    return (own[-1][1], int(own[-1][2].split(",")[1].split()[-1])) if own else ("", 0)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # as `python -m` has it, instead of this file's folder
    # Taken out of the environment: a unittest that the tests themselves start is not part of this run.
    Result.report = open(os.environ.pop("TORRE_REPORT"), "w", encoding="utf-8")
    Result.report.write('{"run": "unittest"}\n')
    Result.report.flush()
    unittest.TextTestRunner.resultclass = Result
    unittest.main(module=None, argv=["python -m unittest", *sys.argv[1:]])
