"""What changed between two runs of the same checks, test by test and diagnostic by diagnostic. Pure.

An item is `check name::test id`, or `check name::diagnostic key` (`#2` and on for a repeated one), or the bare
check name where a red run names nothing. A test that is no longer reported is missing, never passed; a
diagnostic that is no longer reported is gone only if the run could have reported it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from llm.domain import CheckResult, Diagnostic, TestStatus

INSIDE = ("::", ".", " > ")
"""How runners go on from a file, module or class to the tests in it."""


class _State(StrEnum):
    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


_STATES = {
    TestStatus.PASSED: _State.PASSED,
    TestStatus.SKIPPED: _State.SKIPPED,
    TestStatus.FAILED: _State.FAILED,
    TestStatus.ERROR: _State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Ids of items, sorted, as in `Evaluation`."""

    fail_to_pass: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def items(result: CheckResult) -> Mapping[str, bool]:
    """Each item of a run → whether it does not fail (a skipped test does not). {} for a check that did not run."""
    return {name: state is not _State.FAILED for name, state in _states(result).items()}


def compare(before: Sequence[CheckResult], after: Sequence[CheckResult]) -> Difference:
    """What `after` repaired, left red, broke and lost, check by check (paired by name).

    A check that did not run before says nothing. One that no longer runs repaired nothing.
    """
    now = {result.check.name: result for result in after}
    verdicts: dict[str, str] = {}
    for result in before:
        if not result.not_run:
            verdicts |= _verdicts(result, now.get(result.check.name))
    known = {result.check.name for result in before}
    for result in after:
        if result.check.name not in known:
            verdicts |= {name: "newly_failing" for name, fine in items(result).items() if not fine}
    return Difference(**{kind: _ids(verdicts, kind) for kind in Difference.__dataclass_fields__})


def flaky(first: Sequence[CheckResult], second: Sequence[CheckResult]) -> tuple[str, ...]:
    """The items that differ between two runs of the same tree, sorted."""
    one, two = ({k: v for result in run for k, v in _states(result).items()} for run in (first, second))
    return tuple(sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name)))


def less_executed(before: Sequence[CheckResult], after: Sequence[CheckResult]) -> tuple[str, ...]:
    """In words: each check that executes fewer tests than before, or skips some that it did not skip."""
    now = {result.check.name: result for result in after}
    pairs = ((result, now[result.check.name]) for result in before if result.check.name in now)
    return tuple(words for pair in pairs for words in _less(*pair))


def _less(before: CheckResult, after: CheckResult) -> Iterator[str]:
    skipped = {test.id for test in before.tests or () if test.status is TestStatus.SKIPPED}
    new = sorted(t.id for t in after.tests or () if t.status is TestStatus.SKIPPED and t.id not in skipped)
    if new:
        more = f" and {len(new) - 1} more" if len(new) > 1 else ""
        yield f"{after.check.name}: skipped, and not skipped before: {new[0]}{more}"
    counts = [sum(t.status is not TestStatus.SKIPPED for t in result.tests or ()) for result in (before, after)]
    if counts[1] < counts[0]:
        yield f"{after.check.name}: {counts[1]} tests are executed, and {counts[0]} were before"


def _ids(verdicts: Mapping[str, str], kind: str) -> tuple[str, ...]:
    return tuple(sorted(name for name, verdict in verdicts.items() if verdict == kind))


def _verdicts(before: CheckResult, after: CheckResult | None) -> dict[str, str]:
    old = _states(before)
    new = _states(after) if after else {}
    tests = {f"{before.check.name}::{t.id}" for t in before.tests or ()}
    found = {name: _verdict(name, state, new, name in tests, after) for name, state in old.items()}
    fresh = {name: "newly_failing" for name, state in new.items() if name not in old and state is _State.FAILED}
    if after is None or after.not_run:
        fresh[before.check.name] = "still_failing" if not before.green else "newly_failing"
    return found | fresh


def _verdict(name: str, old: _State, new: Mapping[str, _State], is_test: bool, after: CheckResult | None) -> str:
    if name not in new:
        return _absent(name, old, new, is_test, after)
    if new[name] is _State.PASSED:
        return "fail_to_pass" if old is _State.FAILED else "passed"
    if old is _State.FAILED:
        return "still_failing"
    return "unchanged" if old is new[name] else "newly_failing"


def _absent(name: str, old: _State, new: Mapping[str, _State], is_test: bool, after: CheckResult | None) -> str:
    if is_test:
        # A file that could not be loaded was an item itself; now its tests are there in its place.
        ran = (test for test, state in new.items() if state is not _State.SKIPPED)
        loaded = old is _State.FAILED and any(_is_inside(test, name) for test in ran)
        return "fail_to_pass" if loaded else "missing"
    if old is not _State.FAILED:
        return "passed"
    return "fail_to_pass" if after is not None and _could_tell(name, after, new) else "still_failing"


def _is_inside(test: str, container: str) -> bool:
    return test.startswith(tuple(container + separator for separator in INSIDE))


def _could_tell(name: str, after: CheckResult, new: Mapping[str, _State]) -> bool:
    """Whether a complaint's absence is evidence: the run is green, or it ended and complains of something else.

    The check's own bare name stands for "red for no named reason": only green ends that."""
    if after.green:
        return True
    return not after.killed and not after.not_run and name != after.check.name and after.check.name not in new


def _states(result: CheckResult) -> dict[str, _State]:
    """Items with what became of them. A green check without tests is one passed item: itself."""
    if result.not_run:
        return {}
    name = result.check.name
    found: dict[str, _State] = {}
    for test in result.tests or ():
        state = _STATES[test.status]
        found[f"{name}::{test.id}"] = max(found.get(f"{name}::{test.id}", state), state, key=list(_State).index)
    if not found and not result.green:
        found = {f"{name}::{key}": _State.FAILED for key in _keys(_blamed(result.diagnostics))}
    if result.killed or _State.FAILED not in found.values():
        # Red beyond what it names (killed, a coverage threshold, a crash), or green.
        found |= {} if found and result.green else {name: _State.PASSED if result.green else _State.FAILED}
    return found


def _blamed(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The errors; where a red check has none, its warnings are what made it red."""
    every = tuple(diagnostics)
    return tuple(d for d in every if d.severity == "error") or every


def _keys(diagnostics: Iterable[Diagnostic]) -> list[str]:
    seen: Counter[str] = Counter()
    keys = []
    for diagnostic in diagnostics:
        seen[diagnostic.key] += 1
        count = seen[diagnostic.key]
        keys.append(diagnostic.key if count == 1 else f"{diagnostic.key}#{count}")
    return keys
