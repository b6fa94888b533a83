"""What may be applied: a proven diff, what the files held when it was proven, and the checks that proved it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from llm.domain import Check, CheckResult, Isolation, Mode, Run, TestStatus
from llm.errors import InputError
from llm.ledger.trace_rows import FINISHED, StoredRun

_KEPT_ELSEWHERE = ("trace_id", "workspace", "diff", "isolation")
"""What the trace has of a run anyway, in columns of its own."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A check that was green with the diff applied. `passed` counts its tests, None where it reports none."""

    check: Check
    passed: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One proven change. `workspace` is absolute; `originals` has a SHA-256 a changed file, None for one that was
    not there. `mendable` are test files that had a complaint of their own, and may change that much."""

    trace_id: str
    workspace: str
    diff: str
    isolation: Isolation
    originals: Mapping[str, str | None]
    proofs: tuple[Proof, ...]
    mendable: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A key of all of it: what was shortened or redacted since has another one."""
        told = json.dumps(msgspec.to_builtins(self), sort_keys=True)  # unlike msgspec's, it takes lone surrogates
        return sha256(told.encode("ascii")).hexdigest()


def plan_of(run: Run) -> Plan | None:
    """What there is to apply of a run, None where it proved nothing, or has no workspace of the user's."""
    winner, workspace = run.selection.winner, run.request.workspace
    if run.mode is not Mode.PATCH or winner is None or workspace is None:
        return None
    return Plan(
        trace_id=run.request.trace_id,
        workspace=str(workspace.resolve()),
        diff=run.diff,
        isolation=run.isolation,
        originals=run.originals,
        proofs=tuple(Proof(result.check, passed_of(result)) for result in winner.results),
        mendable=tuple(sorted(run.baseline.complained_of & run.originals.keys())),
    )


def passed_of(result: CheckResult) -> int | None:
    """How many tests passed, None where single tests are not reported."""
    if result.tests is None:
        return None
    return sum(test.status is TestStatus.PASSED for test in result.tests)


def as_details(plan: Plan) -> dict[str, Any]:
    """The plan as the trace keeps it beside the run's own columns."""
    told: dict[str, Any] = msgspec.to_builtins(plan)
    return {**{k: v for k, v in told.items() if k not in _KEPT_ELSEWHERE}, "digest": plan.digest}


def plan_of_stored(story: StoredRun) -> Plan:
    """The plan of a run that was kept. InputError where it proved nothing, or is not kept whole."""
    run, kept = story.run, story.details.get("apply")
    name = f"run {run.trace_id}"
    if run.status != FINISHED or run.mode != Mode.PATCH:
        raise InputError("trace", f"{name} proved nothing ({run.mode or run.status}): only a PATCH is applied")
    if not kept:
        raise InputError("trace", f"{name} has no workspace, or was kept by an older Torre: run `torre fix` again")
    columns = {name: getattr(run, name) for name in _KEPT_ELSEWHERE}
    try:
        plan = msgspec.convert({**kept, **columns}, Plan)
    except msgspec.ValidationError as error:
        raise InputError("trace", f"{name} cannot be read: {error}") from error
    if plan.digest != kept.get("digest"):
        raise InputError("trace", f"{name} is kept shortened or redacted: use `torre fix --apply`")
    return plan
