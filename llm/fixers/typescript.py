"""The code fixes of a TypeScript language service: what an editor's light bulb offers, combined and tried.

The search runs in one node process inside the sandbox (`llm/inside/torre_tsfix.cjs`) with the workspace's own
TypeScript if it has a language service, else with the one that `torre setup typescript` installs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llm.checks.base import INSIDE
from llm.checks.reading import records
from llm.domain import Candidate, CheckResult
from llm.fixers._tool import complaint, diff_of, invocations, red_checks, red_files
from llm.fixers.base import RedState
from llm.sandbox.base import Job, Limits
from llm.sandbox.toolchain import typescript_home

_SCRIPT = INSIDE / "torre_tsfix.cjs"
_PRIORS = (0.95, 0.8, 0.45)
"""By tier; the last is a guess."""
_GRACE_S = 15.0  # to load the compiler, and to end the step that the budget ran out in


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One combination of code fixes. `tier` 0 reuses what exists, 1 declares more, 2 leaves bodies to be written
    or types that admit anything: for the checks a repair, for the reader a start."""

    diff: str
    errors_left: int
    tier: int
    steps: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int]:
        """Fewest errors first, then the least invented; among equals the service's own order stays."""
        return self.errors_left, self.tier


class TypescriptFixer:
    """Asks `getCodeFixesAtPosition` for every error of the red tsc checks and combines the answers."""

    name = "typescript"
    rank = 10

    def wants(self, red: RedState) -> bool:
        """A red check that is tsc's."""
        return bool(red_checks(red, "tsc"))

    def missing(self, red: RedState) -> str:
        """Starts node for a moment to see whether a TypeScript with a language service can be loaded."""
        if red.sandbox.find("node") is None:
            return "node, for TypeScript's code fixes: install Node.js 18 or later"
        header, _, problem = _ask(red, budget_s=0.0)
        if "typescript" in header:
            return ""
        why = header.get("missing", problem)
        return f"{why}, for TypeScript's code fixes: torre setup typescript"

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """Combinations of code fixes, those first that leave the fewest errors."""
        header, answers, problem = _ask(red, max(1.0, red.remaining_s() / 2))
        if "typescript" in header:
            yield from _candidates(red, f"typescript {header['typescript']}", answers)
        else:
            red.progress(f"TypeScript's code fixes gave no answer: {problem}")


def _candidates(red: RedState, tool: str, answers: list[Mapping[str, Any]]) -> Iterator[Candidate]:
    alternatives = sorted(_read(red, answers), key=lambda alternative: alternative.order)
    seen = {""}
    for alternative in alternatives:
        if alternative.diff not in seen:
            seen.add(alternative.diff)
            prior = max(0.1, _PRIORS[min(alternative.tier, 2)] - 0.1 * alternative.errors_left)
            hollow = " (to be written out)" if alternative.tier > 1 else ""
            origin = f"{tool}: {_summary(alternative.steps)}{hollow}"
            yield Candidate(diff=alternative.diff, origin=origin, prior=prior)


def _read(red: RedState, answers: list[Mapping[str, Any]]) -> Iterator[_Alternative]:
    """The script's answers. It runs the workspace's own compiler, so that a line may say anything."""
    for answer in answers:
        try:
            files = {str(path): str(text) for path, text in answer["files"].items()}
            steps = tuple(map(str, answer["steps"]))
            left, tier = int(answer["errors_left"]), int(answer["tier"])
        except (KeyError, TypeError, ValueError, AttributeError):
            red.progress("typescript: an answer that cannot be read was left out")
            continue
        yield _Alternative(diff_of(red, files), left, tier, steps)


def _summary(steps: tuple[str, ...]) -> str:
    more = f" and {len(steps) - 3} more" if len(steps) > 3 else ""
    return "; ".join(steps[:3]) + more


def _ask(red: RedState, budget_s: float) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], str]:
    """The script's first line, its alternatives, and why there are none. A killed run keeps what it reported."""
    tasks = [_task(red, result, words) for result in red_checks(red, "tsc") for words in _words(red, result)]
    job = Job(
        argv=("node", str(_SCRIPT)),
        stdin=json.dumps({"tasks": tasks, "budget_ms": int(budget_s * 1000)}).encode(),
        env={"TORRE_TYPESCRIPT": str(typescript_home())},
        limits=Limits(wall_s=budget_s + _GRACE_S),
        cancel=red.cancel,
    )
    completed = red.sandbox.execute(job)
    lines = list(records(completed.report))
    for line in lines:
        if "note" in line:
            red.progress(f"typescript: {line['note']}")
    header: Mapping[str, Any] = next((line for line in lines if "typescript" in line or "missing" in line), {})
    return header, [line for line in lines if "files" in line], complaint(completed)


def _words(red: RedState, result: CheckResult) -> list[tuple[str, ...] | None]:
    return list(invocations(red, result, "tsc")) or [None]


def _task(red: RedState, result: CheckResult, words: tuple[str, ...] | None) -> dict[str, Any]:
    return {"directory": result.check.directory, "argv": words, "files": red_files(red, result, "tsc")}


FIXER = TypescriptFixer()
