"""Calls tests in the current process without their runner."""

import contextlib
import importlib
import signal
import unittest

import torre_warm_ledger as ledgers
from torre_warm_unittest import Result


def run_direct(test_id, spec, ledger):
    """Call one test without its runner."""
    ledger.begin(test_id)
    try:
        target = importlib.import_module(spec["module"])
        for part in spec["owner"].split(".") if spec["owner"] else ():
            target = getattr(target, part)
        if spec.get("unittest"):
            unittest.TestSuite([target(spec["name"])]).run(Result(ledger, test_id))
        else:
            function = getattr(target() if spec["owner"] else target, spec["name"])
            function(**_arguments(function, spec["params"]))
    except BaseException as error:  # whatever a test raises is its result
        ledger.fail(test_id, "failed", type(error).__name__, ledgers.frames_of(error.__traceback__))
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


@contextlib.contextmanager
def limited(cpu_s):
    """Raise TookTooLong into what uses more CPU time; where that is not heard of, die."""
    signal.signal(signal.SIGPROF, ledgers.too_long)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def called(root, specs, names, first_failure, limit_s=0.0, hung=()):
    """Results of tests that are called directly."""
    ledger = ledgers.Ledger(root, limit_s=limit_s, hung=hung)
    for name in names:
        run_direct(name, specs[name], ledger)
        if first_failure and ledger.results[name]["status"] in ("failed", "error"):
            break
    return ledger.results


def answered(results, names):
    """Whether all passed, or how far it came: which test failed, at which line of it, with what."""
    for place, name in enumerate(names):
        result = results.get(name)
        if result is not None and result["status"] in ("failed", "error"):
            line = result["trace"][0][1] if result["trace"] else 0
            killed = "timeout" if result["error"] == "TookTooLong" else ""
            return {"passed": False, "at": place, "line": line, "error": result["error"], "killed": killed}
    return {"passed": not any(r["status"] in ("failed", "error") for r in results.values())}
