"""Page 5: the runs one by one, and what was decided in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm.errors import InputError
from llm.kept.board.filters import Filter
from llm.kept.board.table import Table
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_lines import Lost, Place, RunLine


@dataclass(frozen=True, slots=True)
class Decision:
    """One run. What only an end brings is "" or None before it.

    `outcome` is how it stands, one of `llm.ledger.trace_filter.ENDS`; `change` what became of its patch on the
    user's files last (`applied`, `rolled_back`, `undone`, "" never applied). `rule` is the policy's that chose the
    lanes, "" where none were to be asked. `chosen` is the winner's lane, `origin` what it made it by. `asked`: the
    lanes. `rejected`: who did not win and why, each in words, as `google/gemini-1.5: quota (rpm)` for a lane that
    was not asked or `openai/gpt-4o: checks_red x2` for candidates. `estimated_usd_micros` is what was reserved
    before the calls, None where that is not known of all; `usd_micros` what they are known to have cost,
    `unpriced` the calls of which nobody knows.
    """

    trace_id: str
    started: float
    workspace: str
    stage: str
    outcome: str
    change: str
    summary: str
    exit_code: int | None
    duration_ms: int | None
    rule: str
    chosen: str
    origin: str
    asked: tuple[str, ...]
    rejected: tuple[str, ...]
    attempts: int
    estimated_usd_micros: int | None
    usd_micros: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of them, newest first. `next` is the cursor of the following one, "" on the last. `total` counts all
    of the filter, on every page."""

    filter: Filter
    runs: Table[Decision]
    next: str
    total: int


def runs(figures: TraceFigures, chosen: Filter, cursor: str = "", limit: int = 50) -> Page:
    """The page that the cursor leads to; runs that are added meanwhile neither shift nor double any.

    InputError for what is no cursor; LedgerError."""
    lines = figures.lines(chosen, _place(cursor), limit + 1)
    more = len(lines) > limit
    shown = lines[:limit]
    following = f"{shown[-1].started!r}-{shown[-1].number}" if more else ""
    return Page(chosen, Table(map(decision, shown)), following, figures.count(chosen))


def decision(line: RunLine) -> Decision:
    """A line of the store, told."""
    return Decision(
        trace_id=line.trace_id,
        started=line.started,
        workspace=line.workspace,
        stage=line.stage,
        outcome=line.outcome,
        change=line.change,
        summary=line.summary,
        exit_code=line.exit_code,
        duration_ms=line.duration_ms,
        rule=line.rule,
        chosen=line.winner_lane,
        origin=line.winner_origin,
        asked=line.asked,
        rejected=(*map(skipped, line.skipped), *map(_lost, line.lost)),
        attempts=line.attempts,
        estimated_usd_micros=line.reserved_usd_micros,
        usd_micros=line.usd_micros,
        unpriced=line.unpriced,
    )


def skipped(lane: Mapping[str, str]) -> str:
    """A lane that was not asked, in words."""
    detail = f" ({lane['detail']})" if lane.get("detail") else ""
    return f"{lane['provider']}: {lane['reason']}{detail}"


def _lost(lost: Lost) -> str:
    times = f" x{lost.candidates}" if lost.candidates > 1 else ""
    return f"{lost.lane}: {lost.reason or 'passed'}{times}"


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    started, _, number = cursor.rpartition("-")
    try:
        return Place(float(started), int(number))
    except ValueError as error:
        raise InputError("cursor", f"{cursor[:60]!r} leads to no page") from error
