"""A warm parent that judges candidates: each in a child forked from a state that no test has touched.

Standard input is JSON lines: first the settings, then sources `{"path", "source"}` and candidates
`{"id", "path", "edits": [[start, end, text]]}` (character offsets into the path's source; with `patience` it may
take that many times longer), at last `{"stop": true}`. `$TORRE_REPORT` gets JSON lines: `probe` (tests with the
lines each executed, and those that ran outside of tests), `ready` (with how far the unchanged program comes) or `give_up`, and `verdicts`, a list of
{"id", "passed", "killed", "at", "line", "error"}: number and line of the first test that fails.

The parent imports the test framework and the installed packages that the tests use, never the workspace's own
modules: a child gets those fresh, with the candidate's code in the place of the changed module's.
"""

import gc
import importlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torre_warm_calls as calls
import torre_warm_code as code
import torre_warm_ledger as ledgers
import torre_warm_pytest
import torre_warm_stages as stages
import torre_warm_traces as traces
import torre_warm_unittest
from torre_warm_child import Child
from torre_warm_judge import Judge

del sys.path[0]

_LEAST_CPU_S = 0.01
_LEAST_WHOLE_CPU_S = 1.0
_ANYWHERE = ("TookTooLong", "RecursionError")
"""Errors that come wherever time or the stack is used up, which is elsewhere under another runner."""
_QUICK_IMPORT_S = 0.005
"""Modules that take longer to import are imported once, and candidates put into a copy of that process."""


class Warm:
    """One run: probe, rehearse, then judge."""

    def __init__(self, settings, report):
        self.settings = settings
        self.report = report
        self.programs = stages.Programs(settings["root"])
        self.by_pytest = settings["framework"] == "pytest"
        self.runner = torre_warm_pytest.run_pytest if self.by_pytest else torre_warm_unittest.run_unittest
        self.memory = settings["memory_bytes"]
        self.targets = settings["targets"]
        self.others = settings["others"]
        self.hung = ()

    def say(self, **event):
        self.report.write((json.dumps(event) + "\n").encode())
        self.report.flush()

    def _run(self, wanted, traced=False):
        ledger = ledgers.Ledger(self.programs.root, traced, self.settings["slow_s"], self.hung)
        self.runner(self.settings["args"], wanted, ledger, False)
        return ledger

    def _probe(self):
        ledger = self._run(self.targets + self.others if self.targets else None, traced=True)
        modules = {
            name: os.path.abspath(file)
            for name, file in ((n, getattr(m, "__file__", None)) for n, m in list(sys.modules.items()))
            if isinstance(file, str)
        }
        return {
            "tests": ledger.results,
            "specs": ledger.specs,
            "imported": ledgers.by_path(ledger.imported),
            "mine": {name: path for name, path in modules.items() if ledger.mine(path)},
            "theirs": [name for name, path in modules.items() if not ledger.mine(path) and name != "__main__"],
            "path": sys.path,
        }

    def probe(self):
        """Run the tests traced; tell what each executed. None where nothing could be run."""
        budget = self.settings["probe_s"]
        child = Child(lambda: [self._probe()], budget, budget, self.memory)
        found = child.wait()
        found["cpu_s"] = child.cpu_s
        if "tests" not in found:
            self.say(event="give_up", why="the tests did not end in the warm process: " + found["killed"])
            return None
        self.say(event="probe", tests=found["tests"], imported=found["imported"])
        self.hung = [name for name, test in found["tests"].items() if test["error"] == "TookTooLong"]
        if not self.targets:
            self.targets = [n for n, t in found["tests"].items() if t["status"] in ("failed", "error")]
            self.others = [n for n, t in found["tests"].items() if t["status"] == "passed"]
        self._preload(found)
        return found

    def _preload(self, found):
        """Import what the tests import from outside the workspace, compile what they import from inside."""
        for name in found["theirs"]:
            if name in sys.modules or name.startswith("torre_"):
                continue
            try:
                importlib.import_module(name)
            except (Exception, SystemExit):
                continue  # importable only from where the tests import it; each child then does so itself
        mine = set(found["mine"].values())
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in mine:
                del sys.modules[name]  # an installed plugin imported it; children must get it fresh
        for path in mine:
            with open(path, "rb") as file:
                code.CODE[path] = compile(file.read(), path, "exec", dont_inherit=True)

    def rehearse(self, found):
        """The stage that candidates come to first, or None where nothing fails."""
        whole, cpu_s = found["tests"], found["cpu_s"]
        if self.hung:  # under the tracer, perhaps: look again without it
            whole, cpu_s = self._timed(lambda: self._run(self.targets + self.others).results)
            whole = {} if "killed" in whole else whole
        failing = [n for n in self.targets if whole.get(n, {}).get("status") in ("failed", "error")]
        if not failing:
            self.say(event="give_up", why="the failing tests do not fail in the warm process")
            return None
        failing.sort(key=lambda name: whole[name]["s"])
        others = [name for name in self.others if whole.get(name, {}).get("status") == "passed"]
        last = stages.Whole(self.programs, self.runner, self.settings["args"], failing + others)
        last.cpu_s = max(self._allowed(whole, cpu_s), _LEAST_WHOLE_CPU_S)
        first, usual = self._first(found, failing, whole, last)
        self.say(event="ready", stage=type(first).__name__, targets=len(failing), others=len(others), usual=usual)
        return first

    def _first(self, found, failing, whole, last):
        """The quickest stage that sees at least one of the failing tests fail as its own runner does."""
        called = {name: spec for name, spec in found["specs"].items() if spec and spec.get("alone", True)}
        specs = {name: spec for name, spec in called.items() if name in last.names}
        known = code.KnownModules(found["mine"])
        reach = traces.Reach(traces.named_outside(code.CODE.values()))
        names = [name for name in last.names if name in specs]
        direct = stages.Direct(self.programs, specs, names, found["path"], known, reach)
        results, import_s = {}, 0.0
        if names:
            limit_s = self.settings["slow_s"]
            told, _ = self._timed(lambda: direct.rehearsed(limit_s, self.hung))
            results, import_s = told.get("results", {}), told.get("import_s", 0.0)
            reach.usual = frozenset(told.get("traces", ()))
            direct.cpu_s = self._allowed(results, import_s + sum(r["s"] for r in results.values()))
        direct.names = [name for name in names if _alike(results.get(name), whole[name])]
        direct.usual = calls.answered(results, direct.names)
        if direct.usual["passed"]:
            direct.names = []
        direct.next = last
        if direct.names and import_s < _QUICK_IMPORT_S:
            return direct, direct.usual
        if not direct.names and not self.by_pytest:
            return last, calls.answered(whole, last.names)
        return self._collected(found, whole, direct, last)

    def _collected(self, found, whole, direct, last):
        workers, limit_s = self.settings["workers"], self.settings["slow_s"]
        stage = stages.Collected(
            self.programs, direct, last, found["imported"], workers, self.memory, limit_s, self.hung
        )
        rehearsals = stage.open(self.settings["probe_s"]) or [{"results": {}, "cpu_s": 0.0}]
        alike = [[n for n in last.names if _alike(each["results"].get(n), whole[n])] for each in rehearsals]
        plainly = len(alike) > 1 and len(alike[1]) >= len(alike[0])
        names, results = alike[plainly], rehearsals[plainly]["results"]
        usual = calls.answered(results, names)
        if usual["passed"]:
            stage.close()
            rest = direct if direct.names else last
            return rest, calls.answered(whole, rest.names)
        stage.begin(names, self._allowed(results, rehearsals[plainly]["cpu_s"]), plainly)
        return stage, usual

    def _timed(self, work):
        """Run it in a child: what it told, and the CPU time that it used."""
        child = Child(lambda: [work()], self.settings["probe_s"], self.settings["probe_s"], self.memory)
        return child.wait(), child.cpu_s

    def _allowed(self, results, cpu_s):
        """Several times the CPU time that the unchanged program used, and more for tests that passed."""
        passing = sum(r["s"] for r in results.values() if r["status"] == "passed")
        hanging = sum(r["s"] for r in results.values() if r["error"] == "TookTooLong")
        return _LEAST_CPU_S + 3 * max(cpu_s - hanging, 0.0) + 10 * passing


def _alike(one, whole):
    """Whether a test ended as under its runner in a fresh process: same status, error and place."""
    if one is None or (one["status"] == "passed") != (whole["status"] == "passed"):
        return False
    same_place = one["trace"][-1:] == whole["trace"][-1:] or one["error"] in _ANYWHERE
    return one["error"] == whole["error"] and same_place


def import_plugins():
    """Import what each run of pytest would import anew: the plugins that are installed here."""
    from importlib import metadata

    points = metadata.entry_points()
    group = points.select(group="pytest11") if hasattr(points, "select") else points.get("pytest11", ())
    for name in dict.fromkeys(["_pytest.assertion.rewrite"] + [point.value.partition(":")[0] for point in group]):
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):
            continue  # pytest itself will say so, if it wants that plugin


def main():
    settings, rest = stages.first_line(0)
    importlib.import_module(settings["framework"])
    if settings["framework"] == "pytest":
        import_plugins()
    sys.path[:0] = settings["sys_path"]
    sys.argv[:] = [settings["framework"]]
    code.serve_code()
    gc.freeze()  # children look for garbage among their own objects only
    with open(os.environ["TORRE_REPORT"], "wb") as report:
        warm = Warm(settings, report)
        found = warm.probe()
        first = warm.rehearse(found) if found else None
        if first:
            gc.collect()
            gc.freeze()
            Judge(0, rest, settings["workers"], warm.memory, first, warm.say).run()


if __name__ == "__main__":
    main()
