"""Answers the complaints of mypy and pyright with edits that the checker itself has tried.

What is believed is only that the checker falls silent without a suppression; whether the tests still pass is
for the checks to say. A cast or `Any` comes last.
"""

from __future__ import annotations

from collections.abc import Iterator

from llm.domain import Candidate, CheckResult
from llm.fixers._tool import diff_of, red_checks
from llm.fixers.base import RedState
from llm.fixers.python_types.quiet import only_types
from llm.fixers.python_types.settle import Settling, State
from llm.fixers.python_types.trials import Trials

_CHECKERS = ("mypy", "pyright")
_MOST = 6
_BEST_PRIOR = 0.95
_QUIET_PRIOR = 0.55
"""More than a guess: a change that the program cannot notice."""


class TypeErrors:
    """Annotations, guards and conversions for the red complaints of a Python type checker."""

    name = "type errors"
    rank = 40

    def wants(self, red: RedState) -> bool:
        """A red check that is mypy's or pyright's."""
        return bool(_red(red))

    def missing(self, red: RedState) -> str:
        """Nothing: the check runs, so its tool is there."""
        return ""

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """Green states of each red check, then the furthest one of a check that none turned green."""
        for result in _red(red):
            yield from _of_check(red, result)


def _red(red: RedState) -> list[CheckResult]:
    found = {r.check.name: r for checker in _CHECKERS for r in red_checks(red, checker)}
    return [r for r in found.values() if any(d.tool in _CHECKERS for d in r.diagnostics)]


def _of_check(red: RedState, result: CheckResult) -> Iterator[Candidate]:
    """What only a checker sees needs no other candidate beside it: it cannot behave differently."""
    known = tuple(d for d in result.diagnostics if d.severity == "error")
    found = 0
    with Trials(red, result) as trials:
        search = Settling(red, trials)
        for state in search.run(known):
            found += 1
            quiet = only_types(red.files, state.texts)
            yield _candidate(red, state, quiet)
            if quiet or found >= _MOST:
                break
    red.progress(f"type errors: {search.tried} edits tried, {found} turn {result.check.name} green")
    best = search.best
    if not found and best is not None and best.steps:
        yield _candidate(red, best, only_types(red.files, best.texts))


def _candidate(red: RedState, state: State, quiet: bool) -> Candidate:
    origin = f"type errors: {'; '.join(state.steps[:3])}"
    more = f" and {len(state.steps) - 3} more" if len(state.steps) > 3 else ""
    prior = max(_BEST_PRIOR * state.prior, _QUIET_PRIOR if quiet else 0.0)
    return Candidate(diff=diff_of(red, state.texts), origin=origin + more, prior=prior)


FIXER = TypeErrors()
