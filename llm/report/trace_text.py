"""Runs from the trace, as a person reads them: the list, and the whole story of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from llm.apply.history import Application
from llm.ledger.trace_rows import FINISHED, Attempt, CandidateRow, RunRow, StoredRun
from llm.report.table import table, usd

_SHOWN = 8
_SIDE_BY_SIDE = 4
_MOST_CANDIDATES = 15


def runs_as_text(runs: Sequence[RunRow]) -> str:
    """One line a run, newest first."""
    if not runs:
        return "no run was kept here yet"
    rows = [
        (
            *(run.trace_id[:_SHOWN], _when(run.started), run.stage, _outcome(run), _seconds(run.duration_ms)),
            *(usd(run.usd_micros, run.unpriced), run.winner_lane or "none", run.summary),
        )
        for run in runs
    ]
    return table(("run", "started", "stage", "outcome", "time", "cost", "winner", "summary"), rows)


def story_as_text(story: StoredRun, applied: Sequence[Application] = ()) -> str:
    """Decision, attempts, candidates side by side, checks before and after, cost, why the winner won, and what
    became of it on the user's files (`applied`)."""
    asked = (_head(story), _decision(story.details.get("decision")), _attempts(story.attempts))
    judged = (_candidates(story), _checks(story), _why(story), story.run.diff.rstrip("\n"))
    return "\n\n".join(block for block in (*asked, *judged, _applications(applied)) if block)


def _applications(applied: Sequence[Application]) -> str:
    lines = (
        f"apply {each.number}, {_when(each.at)}: {each.state}"
        + (f", commit {each.commit[:12]}" if each.commit else "")
        + f": {', '.join(each.files)}"
        for each in applied
    )
    return "\n".join(lines)


def _head(story: StoredRun) -> str:
    run, isolation = story.run, f", {story.run.isolation} isolation" if story.run.isolation else ""
    lines = [
        f"run {run.trace_id}: {_outcome(run)}" + (f", exit {run.exit_code}" if run.exit_code is not None else ""),
        f"  started    {_when(run.started)}, took {_seconds(run.duration_ms)}",
        f"  workspace  {run.workspace or 'none: files of the request'}{isolation}",
        f"  cost       {usd(run.usd_micros, run.unpriced)} in {len(story.attempts)} attempts",
    ]
    if run.policy_hash:
        lines.append(f"  policy     {run.policy_hash[:12]}")
    if run.stage:
        lines.append(f"  stage      {run.stage}: {story.details.get('stage_reason', '')}")
    if run.summary:
        lines.append(f"  summary    {run.summary}")
    return "\n".join(lines)


def _decision(decision: Mapping[str, Any] | None) -> str:
    if not decision:
        return ""
    lines = [f"decision by {decision.get('rule', 'the rule')}: {decision.get('reason', '')}"]
    lines += [f"  asked {lane['provider']}: {lane['reason']}" for lane in decision.get("lanes", ())]
    for skipped in decision.get("skipped", ()):
        detail = f" ({skipped['detail']})" if skipped.get("detail") else ""
        lines.append(f"  not {skipped['provider']}: {skipped['reason']}{detail}")
    return "\n".join(lines)


def _attempts(attempts: Sequence[Attempt]) -> str:
    if not attempts:
        return ""
    rows = [
        (
            *(f"{a.lane} #{a.number}", a.model, a.cause + (f" {a.status}" if a.status else ""), a.verdict or "-"),
            *(a.tokens_in, a.tokens_out, a.tokens_cached, usd(a.usd_micros)),
            *(a.queue_ms, a.first_byte_ms, a.provider_ms, a.overhead_ms, a.redacted),
        )
        for a in attempts
    ]
    header = ("attempt", "model", "ended", "verdict", "in", "out", "cached", "cost", "queue", "first byte")
    errors = [f"  {a.lane} #{a.number}: {a.error}" for a in attempts if a.error]
    return "\n".join([table((*header, "provider", "overhead ms", "redacted"), rows), *errors])


def _candidates(story: StoredRun) -> str:
    if not story.candidates:
        return ""
    rows = [
        (
            *(_mark(c, story.run) + str(c.number), c.provider, c.origin, c.reason or "passed", c.fail_to_pass),
            *(len(c.newly_failing) + len(c.missing), c.agreement, c.diff_size, f"{c.ttg_ms} ms"),
            *(c.tokens_in + c.tokens_out, usd(c.cost_usd_micros), c.detail),
        )
        for c in story.candidates[:_MOST_CANDIDATES]
    ]
    header = ("candidate", "provider", "origin", "verdict", "fixed", "broken", "agree", "size", "at")
    tried = story.details.get("tried_count", len(story.candidates))
    more = f"\n{tried - len(rows)} more were tried" if tried > len(rows) else ""
    return table((*header, "tokens", "cost", "detail"), rows) + more


def _mark(candidate: CandidateRow, run: RunRow) -> str:
    return "* " if candidate.number == run.winner else ""


def _checks(story: StoredRun) -> str:
    """Each check before, and after each of the best candidates."""
    checks = story.details.get("checks") or ()
    if not checks:
        return ""
    ran = [c for c in story.candidates if c.checks][:_SIDE_BY_SIDE]
    rows = [
        (each["name"], _status(each["before"]), *(c.checks.get(each["name"], "-") for c in ran)) for each in checks
    ]
    after = (f"with {_mark(c, story.run)}{c.number}" for c in ran)
    return table(("check", "before", *after), rows)


def _status(before: Mapping[str, Any]) -> str:
    return str(before["status"]).replace("_", " ")


def _why(story: StoredRun) -> str:
    return "\n".join(_reasons(story.details))


def _reasons(details: Mapping[str, Any]) -> Iterator[str]:
    if details.get("why"):
        yield f"why: {details['why']}"
    for name in ("doubts", "flaky", "notes"):
        yield from (f"{name.rstrip('s')}: {each}" for each in details.get(name) or ())


def _outcome(run: RunRow) -> str:
    return run.mode if run.status == FINISHED else run.status


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _seconds(ms: int | None) -> str:
    return "-" if ms is None else f"{ms / 1000:.1f} s"
