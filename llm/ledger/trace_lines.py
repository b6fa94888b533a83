"""Runs as a list shows them: one line a run, what was decided in it and what it cost."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from llm.ledger.trace_filter import INTERRUPTED, RUNNING, Condition, numbers


class Place(NamedTuple):
    """Where a run stands among all: its start and its own number. A page ends at the place of its last run."""

    started: float
    number: int


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


_HEAD = """SELECT id, json_extract(details, '$.decision.skipped') AS skipped, trace_id, started, workspace, stage,
    outcome, change, summary, exit_code, duration_ms,
    coalesce(json_extract(details, '$.decision.rule'), '') AS rule, winner_lane AS chosen, winner_origin AS origin
    FROM run WHERE id IN ({runs}) ORDER BY started DESC, id DESC"""
_ATTEMPTS = """SELECT run AS id, group_concat(lane, ' ') AS lanes, count(*) AS attempts,
    CASE WHEN count(reserved_usd_micros) = count(*) THEN sum(reserved_usd_micros) END AS estimated_usd_micros,
    coalesce(sum(usd_micros), 0) AS usd_micros, sum(usd_micros IS NULL) AS unpriced
    FROM attempt WHERE run IN ({runs}) GROUP BY run"""
_LOST = """SELECT run, provider, reason, count(*) FROM candidate WHERE run IN ({runs}) AND stub = 0
    AND NOT EXISTS (SELECT 1 FROM run WHERE id = candidate.run AND winner = number)
    GROUP BY run, provider, reason ORDER BY run, provider, reason"""
_NO_ATTEMPT: Mapping[str, Any] = {
    "lanes": "",
    "attempts": 0,
    "estimated_usd_micros": 0,
    "usd_micros": 0,
    "unpriced": 0,
}


def read_lines(
    db: sqlite3.Connection, where: Condition, alive: Collection[int], after: Place | None, limit: int
) -> dict[Place, Decision]:
    """The newest first, of those that the condition names and that come after a place.

    By start and number, which no run changes: what is added meanwhile comes before the first page, and what is
    dropped after the last."""
    beyond = "AND (started, id) < (:started, :number)" if after else ""
    values = {**where.values, "limit": limit, **(after._asdict() if after else {})}
    order = f"SELECT id FROM run WHERE {where.sql} {beyond} ORDER BY started DESC, id DESC LIMIT :limit"
    runs = numbers([row[0] for row in db.execute(order, values)])
    made = {row.pop("id"): row for row in _named(db.execute(_ATTEMPTS.format(runs=runs)))}
    lost: dict[int, list[str]] = defaultdict(list)
    for run, *told in db.execute(_LOST.format(runs=runs)):
        lost[run].append(_lost(*told))
    lines = {}
    for head in _named(db.execute(_HEAD.format(runs=runs))):
        run = head.pop("id")
        lines[Place(head["started"], run)] = _line(head, made.get(run, _NO_ATTEMPT), lost[run], run in alive)
    return lines


def skipped(lane: Mapping[str, str]) -> str:
    """A lane that was not asked, in words; as the decision tells it."""
    detail = f" ({lane['detail']})" if lane.get("detail") else ""
    return f"{lane['provider']}: {lane['reason']}{detail}"


def _line(head: Mapping[str, Any], made: Mapping[str, Any], lost: Iterable[str], alive: bool) -> Decision:
    told = {**head, **made, "outcome": head["outcome"] or (RUNNING if alive else INTERRUPTED)}
    not_asked = map(skipped, json.loads(told.pop("skipped") or "[]"))
    lanes = dict.fromkeys(told.pop("lanes").split())
    return Decision(**told, asked=tuple(lanes), rejected=(*not_asked, *lost))


def _lost(lane: str, reason: str, candidates: int) -> str:
    """Candidates of one lane that did not win; without a reason they passed."""
    times = f" x{candidates}" if candidates > 1 else ""
    return f"{lane}: {reason or 'passed'}{times}"


def _named(found: sqlite3.Cursor) -> Iterable[dict[str, Any]]:
    names = [column[0] for column in found.description]
    return (dict(zip(names, row, strict=True)) for row in found)
