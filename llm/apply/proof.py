"""Run a plan's checks on the tree as it is now, sandboxed as ever, and say what is not as it was proven."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

from llm.apply.plan import Proof, passed_of
from llm.checks.baseline import side_by_side
from llm.checks.run import run_check
from llm.domain import Check, CheckResult, Isolation
from llm.errors import ApplyError
from llm.sandbox.base import Limits, Sandbox


def refuse_weak(found: Isolation, least: Isolation) -> None:
    """ApplyError where less kept a candidate from the host than an apply asks for."""
    order = list(Isolation)
    if order.index(found) > order.index(least):
        raise ApplyError(f"only {found} isolation, and {least} is the least that files are changed on")


def run_again(
    proofs: Sequence[Proof], sandbox: Sandbox, workspace: Path, limits: Limits
) -> tuple[CheckResult, ...]:
    """The checks of the proofs, in their order."""

    def run(check: Check, stop: Event) -> CheckResult:
        return run_check(check, sandbox, workspace, cancel=stop, limits=limits)

    return side_by_side(run, [proof.check for proof in proofs])


def disproved(proofs: Sequence[Proof], results: Sequence[CheckResult]) -> str:
    """What is not as it was proven, "" where all of it is: every check green, with as many tests as then."""
    return ", ".join(
        words for proof, result in zip(proofs, results, strict=True) if (words := _less(proof, result))
    )


def _less(proof: Proof, result: CheckResult) -> str:
    if not result.green:
        return f"{proof.check.name} is {result.killed or result.not_run or 'red'}"
    passed = passed_of(result)
    if proof.passed is not None and (passed is None or passed < proof.passed):
        return f"{proof.check.name} reports {passed or 0} passed tests instead of {proof.passed}"
    return ""
