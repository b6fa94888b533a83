"""The story of a repair, in a straight line: request → triage → route → generate → evaluate → select → record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event as Flag

from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.checks.baseline import reproduce
from llm.checks.discover import discover
from llm.checks.programs import named_installations
from llm.checks.run import run_check
from llm.conclude import Findings, conclude
from llm.domain import Baseline, Check, CheckResult, Event, Isolation, RepairRequest, Run, Triage
from llm.errors import SandboxError
from llm.fixers.base import RedState
from llm.generate import Generation, diagnostics_of, propose_only
from llm.keeping import keep
from llm.ledger.record import Record, open_record
from llm.providers.credentials import configured_keys
from llm.providers.router import ProvidersRouter
from llm.report.hiding import without_secrets
from llm.rerank.confirm import believe
from llm.rerank.examine import Examiner
from llm.sandbox import open_sandbox
from llm.sandbox.base import Sandbox
from llm.triage.stage import triage
from llm.workspace.materialise import materialise, refuse_other_texts
from llm.workspace.snapshot import open_workspace, read_sources, root_of


def repair(request: RepairRequest, listen: Callable[[Event], None] = lambda _: None) -> Run:
    """Turn the request's workspace green, or say that it could not be done.

    Nothing in the workspace is changed. Raises InputError, PolicyError, LedgerError, SandboxError and whatever
    interrupts it; every event up to then is in the record.
    """
    budget, env, numbers = Budget(request.max_seconds, request.deadline_s), _environment(request), count()
    root = root_of(open_workspace(request.workspace or Path.cwd()))
    router = ProvidersRouter(root, env)
    keys = configured_keys(router.policy.models.values(), env)
    with (
        _workspace(request) as workspace,
        open_record(root, request.trace_id, listen, partial(without_secrets, keys=keys)) as record,
        keep(router, env, record) as keeper,
        open_sandbox(workspace, named_installations(request.checks), router.policy.isolation) as sandbox,
    ):
        _require(router.policy.isolation, sandbox)
        escalation = keeper.begin(request, workspace, budget, numbers)
        record.emit("sandbox", isolation=sandbox.isolation, missing=sandbox.missing)
        baseline = _reproduce(discover(workspace, request.checks), sandbox, workspace, budget, record)
        triaged = triage(request.logs, baseline.results)
        record.emit("triage", stage=triaged.stage, reason=triaged.reason)
        red = _red_state(workspace, baseline, triaged, sandbox, budget, record)
        rules = replace(router.policy.rules.within(request.meta.get("allow")), keys=keys)
        examiner = Examiner(workspace, sandbox, baseline, rules, budget, baseline.complained_of)
        generation = Generation(red, examiner, budget, record, numbers)
        lanes = escalation.beside(generation, triaged.stage) if escalation else None
        if escalation is None:
            generation.run()
        of_lanes = tuple(escalation.evaluations) if escalation else ()
        evaluations = (*generation.evaluations, *of_lanes)
        if any(e.passed for e in of_lanes):
            evaluations = gate(evaluations, examiner, budget.remaining_s(), red.progress)
        belief = believe(evaluations, examiner)
        winner = belief.selection.winner
        changed = examiner.changed_files(winner.candidate.diff) if winner else {}
        run = conclude(
            Findings(
                request,
                triaged,
                baseline,
                belief.selection,
                sandbox,
                changed=changed,
                originals=examiner.originals(changed),
                doubts=belief.doubts,
                notes=(*keeper.notes, *(belief.notes if winner else generation.missing_tools)),
                unproven=() if baseline.results else propose_only(red),
                duration_s=budget.elapsed_s(),
                lanes=lanes,
            )
        )
        run = replace(run, keys=keys)
        keeper.finish(run)
        record.emit("ended", outcome=run.mode, exit_code=run.exit_code, summary=run.summary, diff=run.diff)
        return run


def _environment(request: RepairRequest) -> Mapping[str, str]:
    """The process's, with the opt-in of the command line."""
    return {**os.environ, "PROVIDERS_V1": "1"} if request.providers else os.environ


def _require(least: Isolation, sandbox: Sandbox) -> None:
    """Raise SandboxError for a sandbox that is weaker than the policy accepts."""
    order = list(Isolation)
    if order.index(sandbox.isolation) > order.index(least):
        lacks = f" (it lacks {', '.join(sandbox.missing)})" if sandbox.missing else ""
        remedy = "see `torre doctor`, or accept less by `isolation:` in your own policy"
        raise SandboxError(f"the policy wants {least} isolation, only {sandbox.isolation} is here{lacks}", remedy)


def _workspace(request: RepairRequest) -> AbstractContextManager[Path]:
    """The workspace itself, or the request's files in a temporary one."""
    if request.workspace is not None:
        workspace = open_workspace(request.workspace)
        refuse_other_texts(request, workspace)
        return nullcontext(workspace)
    return materialise(request)


def _reproduce(
    checks: tuple[Check, ...], sandbox: Sandbox, workspace: Path, budget: Budget, record: Record
) -> Baseline:
    record.emit("checks", checks=[{"name": c.name, "command": c.command, "source": c.source} for c in checks])

    def run(check: Check, stop: Flag) -> CheckResult:
        result = run_check(check, sandbox, workspace, cancel=stop, limits=budget.limits())
        outcome = result.not_run or ("green" if result.green else result.killed or "red")
        record.emit("baseline", check=check.name, outcome=outcome, duration_s=round(result.duration_s, 3))
        return result

    return reproduce(checks, run)


def _red_state(
    workspace: Path, baseline: Baseline, triaged: Triage, sandbox: Sandbox, budget: Budget, record: Record
) -> RedState:
    until = time.monotonic() + budget.search_s  # the baseline's own time does not count against the search
    return RedState(
        workspace=workspace,
        files=read_sources(workspace),
        baseline=baseline.results,
        diagnostics=(*diagnostics_of(baseline.results), *triaged.diagnostics),
        sandbox=sandbox,
        remaining_s=lambda: min(until - time.monotonic(), budget.remaining_s()),
        cancel=Flag(),
        progress=lambda line: record.emit("progress", line=line),
    )
