"""Runs as a list shows them: one line a run, what was decided in it and what it cost."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from llm.ledger.trace_filter import INTERRUPTED, RUNNING, Condition, numbers


class Place(NamedTuple):
    """Where a page ended: the start and number of its last run."""

    started: float
    number: int


class Lost(NamedTuple):
    """Candidates of one lane that did not win: `reason` "" is that they passed."""

    lane: str
    reason: str
    candidates: int


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run. `number` is its own in the store. `skipped` are the lanes of the rule that were not asked, as the
    decision tells it. `reserved_usd_micros` is None where it is not known of every attempt."""

    number: int
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
    skipped: tuple[dict[str, str], ...]
    winner_lane: str
    winner_origin: str
    asked: tuple[str, ...]
    lost: tuple[Lost, ...]
    attempts: int
    reserved_usd_micros: int | None
    usd_micros: int
    unpriced: int


_HEAD = """SELECT id, trace_id, started, workspace, stage, outcome, change, summary, exit_code, duration_ms,
    coalesce(json_extract(details, '$.decision.rule'), ''), json_extract(details, '$.decision.skipped'),
    winner_lane, winner_origin FROM run WHERE id IN ({runs}) ORDER BY started DESC, id DESC"""
_ATTEMPTS = """SELECT run, group_concat(lane, ' '), count(*),
    CASE WHEN count(reserved_usd_micros) = count(*) THEN sum(reserved_usd_micros) END,
    coalesce(sum(usd_micros), 0), sum(usd_micros IS NULL) FROM attempt WHERE run IN ({runs}) GROUP BY run"""
_LOST = """SELECT run, provider, reason, count(*) FROM candidate WHERE run IN ({runs}) AND stub = 0
    AND NOT EXISTS (SELECT 1 FROM run WHERE id = candidate.run AND winner = number)
    GROUP BY run, provider, reason ORDER BY run, provider, reason"""
_NO_ATTEMPT = ("", 0, 0, 0, 0)
_COUNTED = ("attempts", "reserved_usd_micros", "usd_micros", "unpriced")
_COLUMNS = tuple(f.name for f in fields(RunLine) if f.name not in ("asked", "lost", *_COUNTED))


def read_lines(
    db: sqlite3.Connection, where: Condition, alive: Collection[int], after: Place | None, limit: int
) -> tuple[RunLine, ...]:
    """The newest first, of those that the condition names and that come after a place.

    By start and number, which no run changes: what is added meanwhile comes before the first page, and what is
    dropped after the last."""
    beyond = "AND (started, id) < (:started, :number)" if after else ""
    values = {**where.values, "limit": limit, **(after._asdict() if after else {})}
    order = f"SELECT id FROM run WHERE {where.sql} {beyond} ORDER BY started DESC, id DESC LIMIT :limit"
    runs = numbers([row[0] for row in db.execute(order, values)])
    made = {run: told for run, *told in db.execute(_ATTEMPTS.format(runs=runs))}
    lost = _by_run(db.execute(_LOST.format(runs=runs)))
    heads = db.execute(_HEAD.format(runs=runs))
    return tuple(_line(row, made.get(row[0], _NO_ATTEMPT), lost[row[0]], alive) for row in heads)


def _by_run(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[Lost]]:
    found: dict[int, list[Lost]] = defaultdict(list)
    for run, *told in rows:
        found[run].append(Lost(*told))
    return found


def _line(row: tuple[Any, ...], made: Iterable[Any], lost: list[Lost], alive: Collection[int]) -> RunLine:
    told = dict(zip(_COLUMNS, row, strict=True))
    lanes, *counted = made
    return RunLine(
        **{
            **told,
            "outcome": told["outcome"] or (RUNNING if told["number"] in alive else INTERRUPTED),
            "skipped": tuple(json.loads(told["skipped"] or "[]")),
        },
        asked=tuple(dict.fromkeys(lanes.split())),
        lost=tuple(lost),
        **dict(zip(_COUNTED, counted, strict=True)),
    )
