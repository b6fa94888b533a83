"""A run as the rows that the trace keeps of it. Pure; no secret and no endless text gets into a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from llm.apply.plan import as_details, plan_of
from llm.domain import EMBEDDED, Candidate, CheckResult, DiscardReason, Evaluation, Mode, Run
from llm.ledger.trace_rows import CandidateRow, Ending
from llm.report.contract import as_contract
from llm.report.hiding import each_text, hidden

_MOST_EMBEDDED = 50
"""A search proves thousands of edits wrong; its best are enough. Of the lanes every candidate is kept."""
_MOST_CHARACTERS = 200_000
_MOST_ITEMS = 50
_TOLD = ("stage_reason", "checks", "notes", "doubts", "flaky", "nothing_red", "tried_count", "isolation_missing")


def ending_of(run: Run, keys: Iterable[str] = ()) -> Ending:
    """What `TraceStore.finish` keeps.

    The winner is named only if it is proven; `details` are parts of the report of the JSON contract. `keys` are
    taken out wherever they stand, and whatever looks like a secret is too.
    """
    contract = as_contract(run)
    report = contract["report"]
    decision = contract["metrics"].get("providers", {}).get("router_decision")
    details = {name: report[name] for name in _TOLD}
    winner = run.selection.winner if run.mode is Mode.PATCH else None
    ending = Ending(
        stage=run.triage.stage.value,
        mode=run.mode.value,
        exit_code=run.exit_code,
        summary=run.summary,
        duration_ms=round(run.duration_s * 1000),
        winner=winner.index if winner else None,
        winner_lane=winner.candidate.provider if winner else "",
        winner_origin=winner.candidate.origin if winner else "",
        diff=run.diff,
        isolation=run.isolation.value,
        details={**details, "why": run.selection.why, "decision": decision, **_to_apply(run)},
        candidates=tuple(_candidates(run)),
    )
    safe: Ending = each_text(ending, partial(_safe, tuple(keys)))
    return safe


def _to_apply(run: Run) -> dict[str, Any]:
    """What `torre apply` needs of a run beside its diff."""
    plan = plan_of(run)
    return {"apply": as_details(plan)} if plan else {}


def _candidates(run: Run) -> Iterator[CandidateRow]:
    """Best first; those that nothing could be run for come last, as `unproven`."""
    embedded = 0
    for evaluation in run.selection.ranking:
        embedded += evaluation.candidate.provider == EMBEDDED
        if evaluation.candidate.provider != EMBEDDED or embedded <= _MOST_EMBEDDED:
            yield _evaluated(evaluation)
    first = len(run.selection.ranking)
    for number, candidate in enumerate(run.unproven, first):
        yield _row(candidate, number, reason="unproven")


def _evaluated(evaluation: Evaluation) -> CandidateRow:
    return _row(
        evaluation.candidate,
        evaluation.index,
        reason=evaluation.reason.value if evaluation.reason else "",
        detail=evaluation.detail,
        fail_to_pass=len(evaluation.fail_to_pass),
        still_failing=len(evaluation.still_failing),
        newly_failing=evaluation.newly_failing[:_MOST_ITEMS],
        missing=evaluation.missing[:_MOST_ITEMS],
        agreement=evaluation.agreement,
        diff_size=evaluation.diff_size,
        ttg_ms=evaluation.ttg_ms,
        checks={result.check.name: _status(result) for result in evaluation.results},
    )


def _row(candidate: Candidate, number: int, reason: str, **judged: Any) -> CandidateRow:
    # What was thrown out for a secret is not kept at all: the redactor knows shapes, the rule may know more.
    diff = "" if reason == DiscardReason.SECRET else candidate.diff
    return CandidateRow(
        number=number,
        provider=candidate.provider,
        origin=candidate.origin,
        diff=diff,
        reason=reason,
        tokens_in=candidate.usage.tokens_in,
        tokens_out=candidate.usage.tokens_out,
        cost_usd_micros=candidate.usage.cost_usd_micros,
        stub=bool(candidate.meta.get("stub")),
        attempt=int(candidate.meta.get("attempt", 0)),
        **judged,
    )


def _status(result: CheckResult) -> str:
    if result.not_run:
        return "not run"
    return "green" if result.green else result.killed or "red"


def _safe(keys: tuple[str, ...], text: str) -> str:
    """Without secrets, bounded, and text that can be stored (no lone surrogates)."""
    plain = hidden(text, keys).encode("utf-8", "replace").decode("utf-8")
    if len(plain) <= _MOST_CHARACTERS:
        return plain
    return f"{plain[:_MOST_CHARACTERS]}\n[{len(plain) - _MOST_CHARACTERS} more characters]\n"
