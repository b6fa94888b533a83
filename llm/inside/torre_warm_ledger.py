"""How tests end: results by test id, with the time, the traceback's place and, where traced, the lines of each.

A test's result is a dict: `status` (passed, failed, error, skipped), `error` (the exception's type name),
`trace` (its frames in the workspace, outermost first, as [path, line]), `s` (seconds of CPU time), `lines` where
traced.
"""

import os
import signal
import sys
import time
import traceback

_HUNG_S = 0.08
_LOOKED_AT = 2


class TookTooLong(BaseException):
    """Raised into a test of the unchanged program that runs longer than it may."""


class Ledger:
    """Results by test id, with the lines of the workspace that each test executed when `root` is traced."""

    def __init__(self, root, traced=False, limit_s=0.0, hung=()):
        self.root = root + os.sep
        self.traced = traced
        self.limit_s = limit_s
        self.hung = set(hung)
        self.hangs = 0
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
        short = min(self.limit_s, _HUNG_S if self.hangs < _LOOKED_AT else _HUNG_S / 4)
        return short if test_id in self.hung else max(self.limit_s / 4 ** len(self.hung), short)

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
            self.hangs += 1
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


def frames_of(tb):
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(tb)]


def chosen(tests, names, order, separator):
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
