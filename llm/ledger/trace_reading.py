"""The kept runs as they are read back: lists, whole stories, and which of them are still going on."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

from llm.errors import InputError
from llm.ledger.trace_rows import FINISHED, INTERRUPTED, RUNNING, Attempt, CandidateRow, RunRow, StoredRun

_ATTEMPT = ", ".join(f.name for f in fields(Attempt))
_CANDIDATE = ", ".join(f.name for f in fields(CandidateRow))
_RUN = """SELECT id, details, trace_id, started, ended, workspace, policy_hash, stage, mode, exit_code, summary,
    duration_ms, winner, winner_lane, winner_origin, diff, isolation,
    (SELECT count(*) FROM attempt WHERE run = run.id),
    (SELECT coalesce(sum(usd_micros), 0) FROM attempt WHERE run = run.id),
    (SELECT count(*) FROM attempt WHERE run = run.id AND usd_micros IS NULL) FROM run """
_LISTED = 8


def is_held(lock: Path) -> bool:
    """Whether a living process holds this lock."""
    try:
        tried = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(tried, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(tried)
    return False


def going_on(running: Path) -> frozenset[int]:
    """The numbers of the runs whose locks, in this directory, a living process holds."""
    named = (lock for lock in running.iterdir() if lock.name.isdigit()) if running.is_dir() else ()
    return frozenset(int(lock.name) for lock in named if is_held(lock))


def read_runs(
    db: sqlite3.Connection, alive: Collection[int], limit: int, before: float | None
) -> tuple[RunRow, ...]:
    """The newest first; of those that started earlier than `before`, where it is given."""
    if before is None:
        found = db.execute(f"{_RUN} ORDER BY id DESC LIMIT ?", (limit,))
    else:
        found = db.execute(f"{_RUN} WHERE started < ? ORDER BY started DESC, id DESC LIMIT ?", (before, limit))
    return tuple(_run_row(row, alive) for row in found)


def read_story(db: sqlite3.Connection, alive: Collection[int], prefix: str) -> StoredRun:
    """The run whose trace id begins so; of several with one id, the newest. InputError: none, or ambiguous."""
    trace_id = _find(db, prefix)
    row = db.execute(_RUN + "WHERE trace_id = ? ORDER BY id DESC LIMIT 1", (trace_id,)).fetchone()
    attempts = read_attempts(db, "WHERE run = ? ORDER BY rowid", (row[0],))
    found = db.execute(f"SELECT {_CANDIDATE} FROM candidate WHERE run = ? ORDER BY rowid", (row[0],))
    return StoredRun(_run_row(row, alive), attempts, tuple(map(_candidate, found)), json.loads(row[1]))


def read_attempts(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> tuple[Attempt, ...]:
    """The attempts that an SQL clause names."""
    return tuple(Attempt(*row) for row in db.execute(f"SELECT {_ATTEMPT} FROM attempt {where}", values))


def _find(db: sqlite3.Connection, prefix: str) -> str:
    wanted = prefix.strip().rstrip("…").lower()
    if not wanted or not wanted.isascii():
        raise InputError("trace", f"{prefix!r} is no beginning of an id; `torre trace` lists the runs")
    rows = db.execute(  # ids are in lower case, and nothing that an id is made of comes after "~"
        "SELECT trace_id FROM run WHERE trace_id BETWEEN ? AND ? GROUP BY trace_id "
        "ORDER BY trace_id != ?, max(id) DESC",
        (wanted, wanted + "~", wanted),
    )
    found = [str(row[0]) for row in rows]
    if not found:
        raise InputError("trace", f"no run's id begins with {prefix!r}; `torre trace` lists the runs")
    if len(found) > 1 and found[0] != wanted:
        some = ", ".join(found[:_LISTED]) + (", …" if len(found) > _LISTED else "")
        raise InputError("trace", f"{prefix!r} is the beginning of {len(found)} ids: {some}")
    return found[0]


def _run_row(row: tuple[Any, ...], alive: Collection[int]) -> RunRow:
    number, _, trace_id, started, ended, *rest = row
    status = FINISHED if ended is not None else RUNNING if number in alive else INTERRUPTED
    return RunRow(trace_id, status, started, ended, *rest)


def _candidate(row: tuple[Any, ...]) -> CandidateRow:
    told = dict(zip((f.name for f in fields(CandidateRow)), row, strict=True))
    for name in ("newly_failing", "missing"):
        told[name] = tuple(json.loads(told[name]))
    return CandidateRow(**{**told, "stub": bool(told["stub"]), "checks": json.loads(told["checks"])})
