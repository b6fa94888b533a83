"""The trace: every run, each attempt to ask a lane, each candidate, in one SQLite file beside the quota ledger.

What is added is committed when the call returns, so before any answer. A run that is going on holds a file lock,
which the kernel lets go of however the process ends: a run without an end and without its lock was interrupted.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import Any

from llm.errors import InputError, LedgerError
from llm.ledger.sqlite_file import Kind, atomic, connect
from llm.ledger.trace_rows import (
    FINISHED,
    INTERRUPTED,
    RUNNING,
    Attempt,
    CandidateRow,
    Ending,
    RunRow,
    StoredRun,
    WinRate,
)
from llm.ledger.win_rates import LaneRun, count_wins

KEEP_RUNS = 10_000
KEEP_DAYS = 90
"""The newest so many, and none that is older."""

_FIRST = """
CREATE TABLE store (id TEXT NOT NULL);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT NOT NULL, started REAL NOT NULL, ended REAL,
    workspace TEXT NOT NULL, policy_hash TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '', mode TEXT NOT NULL DEFAULT '', exit_code INTEGER,
    summary TEXT NOT NULL DEFAULT '', duration_ms INTEGER, winner INTEGER,
    winner_lane TEXT NOT NULL DEFAULT '', winner_origin TEXT NOT NULL DEFAULT '',
    diff TEXT NOT NULL DEFAULT '', isolation TEXT NOT NULL DEFAULT '', details TEXT NOT NULL DEFAULT '{}',
    failure TEXT NOT NULL DEFAULT ''
);
CREATE INDEX run_trace ON run (trace_id);
CREATE INDEX run_failure ON run (failure);
CREATE INDEX run_started ON run (started);
CREATE TABLE attempt (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    trace_id TEXT NOT NULL, lane TEXT NOT NULL, model TEXT NOT NULL, protocol TEXT NOT NULL,
    number INTEGER NOT NULL, at REAL NOT NULL, cause TEXT NOT NULL, status INTEGER,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    usd_micros INTEGER, price_as_of TEXT NOT NULL,
    queue_ms INTEGER NOT NULL, provider_ms INTEGER NOT NULL, overhead_ms INTEGER NOT NULL,
    first_byte_ms INTEGER NOT NULL, redacted INTEGER NOT NULL, policy_hash TEXT NOT NULL,
    stage TEXT NOT NULL, format TEXT NOT NULL, verdict TEXT NOT NULL, error TEXT NOT NULL
);
CREATE INDEX attempt_run ON attempt (run);
CREATE INDEX attempt_at ON attempt (at);
CREATE TABLE candidate (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    number INTEGER NOT NULL, provider TEXT NOT NULL, origin TEXT NOT NULL, diff TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, fail_to_pass INTEGER NOT NULL, still_failing INTEGER NOT NULL,
    newly_failing TEXT NOT NULL, missing TEXT NOT NULL, agreement INTEGER NOT NULL, diff_size INTEGER NOT NULL,
    ttg_ms INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost_usd_micros INTEGER,
    stub INTEGER NOT NULL, attempt INTEGER NOT NULL, checks TEXT NOT NULL
);
CREATE INDEX candidate_run ON candidate (run);
"""

_KIND = Kind(
    name="trace store",
    application=0x544F5254,
    scripts=(_FIRST,),
    begin="INSERT INTO store VALUES (?)",
    identify="SELECT id FROM store",
    otherwise="the run cannot be recorded",
    remedy="remove it (its runs are lost)",
)

_ATTEMPT = ", ".join(f.name for f in fields(Attempt))
_ATTEMPT_VALUES = attrgetter(*(f.name for f in fields(Attempt)))
_ADD_ATTEMPT = f"""INSERT INTO attempt VALUES (
    (SELECT max(id) FROM run WHERE trace_id = ?), {", ".join("?" for _ in fields(Attempt))})"""
_CANDIDATE = ", ".join(f.name for f in fields(CandidateRow))
_ADD_CANDIDATE = f"INSERT INTO candidate VALUES (?, {', '.join('?' for _ in fields(CandidateRow))})"
_END = """UPDATE run SET ended = ?, stage = ?, mode = ?, exit_code = ?, summary = ?, duration_ms = ?, winner = ?,
    winner_lane = ?, winner_origin = ?, diff = ?, isolation = ?, details = ?
    WHERE id = (SELECT max(id) FROM run WHERE trace_id = ?)"""
_RUN = """SELECT id, details, trace_id, started, ended, workspace, policy_hash, stage, mode, exit_code, summary,
    duration_ms, winner, winner_lane, winner_origin, diff, isolation,
    (SELECT count(*) FROM attempt WHERE run = run.id),
    (SELECT coalesce(sum(usd_micros), 0) FROM attempt WHERE run = run.id),
    (SELECT count(*) FROM attempt WHERE run = run.id AND usd_micros IS NULL) FROM run """
_LISTED = 8


class TraceStore:
    """The traces in the file at `path`. Thread-safe and shared by processes; LedgerError when it cannot be had.

    `notes` is the directory that knows this user's files (None: any is believed). `busy_s` bounds the wait for
    another process; `clock` gives epoch seconds.
    """

    def __init__(
        self, path: Path, notes: Path | None = None, busy_s: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._busy_s = busy_s
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, tuple[int, Path]] = {}
        self._running = path.with_suffix(".running")
        self._db = connect(path, notes, busy_s, _KIND)
        try:
            self._db.execute("PRAGMA foreign_keys = ON")
            self.sweep()
        except BaseException:
            self._db.close()
            raise

    def begin(self, trace_id: str, workspace: str, policy_hash: str = "") -> None:
        """A run starts. An id that was there before starts a run of its own; its rows go to the newest."""
        with self._step():
            row = (trace_id, self._clock(), workspace, policy_hash)
            added = self._db.execute(
                "INSERT INTO run (trace_id, started, workspace, policy_hash) VALUES (?, ?, ?, ?)", row
            )
            self._let_go(trace_id)
            self._held[trace_id] = self._hold(int(added.lastrowid or 0))

    def note_failure(self, trace_id: str, failure: str) -> None:
        """What the run is about, by the fingerprint of its failure."""
        with self._step():
            newest = "(SELECT max(id) FROM run WHERE trace_id = ?)"
            self._db.execute(f"UPDATE run SET failure = ? WHERE id = {newest}", (failure, trace_id))

    def attempts_on(self, failure: str, since: float) -> int:
        """How many attempts have been made on this failure since `since` (epoch seconds), by any run."""
        question = "SELECT count(*) FROM attempt JOIN run ON run = run.id WHERE failure = ? AND at >= ?"
        with self._step():
            return int(self._db.execute(question, (failure, since)).fetchone()[0])

    def add_attempt(self, attempt: Attempt) -> None:
        """Add an attempt to its run, which must have begun."""
        with self._step():
            self._db.execute(_ADD_ATTEMPT, (attempt.trace_id, *_ATTEMPT_VALUES(attempt)))

    def set_verdict(self, trace_id: str, lane: str, number: int, verdict: str) -> None:
        """What became of the candidate of that attempt: `passed`, or its discard reason."""
        with self._step():
            self._judge(trace_id, [(verdict, lane, number)])

    def finish(self, trace_id: str, ending: Ending) -> None:
        """The run's end, its candidates and their verdicts, in one step. ValueError for one that never began."""
        with self._step():
            run = self._db.execute("SELECT max(id) FROM run WHERE trace_id = ?", (trace_id,)).fetchone()[0]
            if run is None:
                raise ValueError(f"run {trace_id} has not begun")
            self._db.execute(_END, (self._clock(), *_ending_values(ending), trace_id))
            self._db.executemany(_ADD_CANDIDATE, [(run, *_candidate_values(c)) for c in ending.candidates])
            judged = (c for c in ending.candidates if c.attempt)
            self._judge(trace_id, [(c.reason or "passed", c.provider, c.attempt) for c in judged])
        self._let_go(trace_id)

    def runs(self, limit: int = 20, before: float | None = None) -> tuple[RunRow, ...]:
        """The newest runs first; `before`: only those that started earlier (epoch seconds)."""
        where = "WHERE started < ? ORDER BY id DESC LIMIT ?"
        with self._step():
            found = self._db.execute(_RUN + where, (float("inf") if before is None else before, limit)).fetchall()
            return tuple(self._run_row(row) for row in found)

    def run(self, prefix: str) -> StoredRun:
        """The run whose trace id begins so; of several with one id, the newest. InputError: none, or ambiguous."""
        with self._step():
            trace_id = self._find(prefix)
            row = self._db.execute(_RUN + "WHERE trace_id = ? ORDER BY id DESC LIMIT 1", (trace_id,)).fetchone()
            attempts = self._attempts("WHERE run = ? ORDER BY rowid", (row[0],))
            ordered = f"SELECT {_CANDIDATE} FROM candidate WHERE run = ? ORDER BY rowid"
            candidates = tuple(_candidate(found) for found in self._db.execute(ordered, (row[0],)))
            return StoredRun(self._run_row(row), attempts, candidates, json.loads(row[1]))

    def attempts(self, since: float = 0.0) -> tuple[Attempt, ...]:
        """All attempts at or after `since` (epoch seconds), oldest first."""
        with self._step():
            return self._attempts("WHERE at >= ? ORDER BY at", (since,))

    def win_rates(self) -> tuple[WinRate, ...]:
        """How often each lane proved a fix, by stage, over the runs that ended."""
        with self._step():
            seen: dict[tuple[int, str], LaneRun] = {}
            for run, stage, winner, lane, cause, verdict, usd, ms in self._db.execute(
                "SELECT run.id, run.stage, winner_lane, lane, cause, verdict, usd_micros, provider_ms "
                "FROM attempt JOIN run ON run.id = attempt.run WHERE ended IS NOT NULL"
            ):
                one = seen.setdefault((run, lane), LaneRun(stage, lane, winner == lane))
                one.add_attempt(cause, verdict, usd, ms)
            for run, lane, reason in self._db.execute(
                "SELECT run, provider, reason FROM candidate WHERE stub = 0"
            ):
                if (run, lane) in seen:
                    seen[run, lane].outcomes.append(reason or "passed")
            return count_wins(seen.values())

    def sweep(self) -> None:
        """Drop what is older or more than is kept, and the locks that dead processes left behind."""
        with self._step():
            self._db.execute(
                "DELETE FROM run WHERE started < ? OR id <= (SELECT max(id) FROM run) - ?",
                (self._clock() - KEEP_DAYS * 86400, KEEP_RUNS),
            )
            if self._running.is_symlink():
                raise LedgerError(f"{self._running}: is a link; remove it")
            self._running.mkdir(exist_ok=True, mode=0o700)
            for lock in self._running.iterdir():
                if not _is_held(lock):
                    lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the connection back. A run that this store began and did not finish counts as interrupted."""
        for trace_id in tuple(self._held):
            self._let_go(trace_id)
        self._db.close()

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self._lock, atomic(self._db, self.path, self._busy_s, _KIND):
            yield

    def _hold(self, run: int) -> tuple[int, Path]:
        """Take the lock of a run; inside a step, so that nobody sees the run without it."""
        lock = self._running / str(run)
        held = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return held, lock

    def _let_go(self, trace_id: str) -> None:
        if trace_id in self._held:
            held, lock = self._held.pop(trace_id)
            lock.unlink(missing_ok=True)
            os.close(held)

    def _judge(self, trace_id: str, verdicts: list[tuple[str, str, int]]) -> None:
        self._db.executemany(
            "UPDATE attempt SET verdict = ? WHERE lane = ? AND number = ? "
            "AND run = (SELECT max(id) FROM run WHERE trace_id = ?)",
            [(*verdict, trace_id) for verdict in verdicts],
        )

    def _find(self, prefix: str) -> str:
        wanted = prefix.strip().rstrip("…").lower()
        if not wanted or not wanted.isascii():
            raise InputError("trace", f"{prefix!r} is no beginning of an id; `torre trace` lists the runs")
        rows = self._db.execute(
            "SELECT trace_id FROM run WHERE substr(lower(trace_id), 1, ?) = ? GROUP BY trace_id "
            "ORDER BY trace_id != ?, max(id) DESC",
            (len(wanted), wanted, prefix),
        )
        found = [str(row[0]) for row in rows]
        if not found:
            raise InputError("trace", f"no run's id begins with {prefix!r}; `torre trace` lists the runs")
        if len(found) > 1 and found[0] != prefix:
            some = ", ".join(found[:_LISTED]) + (", …" if len(found) > _LISTED else "")
            raise InputError("trace", f"{prefix!r} is the beginning of {len(found)} ids: {some}")
        return found[0]

    def _attempts(self, where: str, values: tuple[object, ...]) -> tuple[Attempt, ...]:
        return tuple(Attempt(*row) for row in self._db.execute(f"SELECT {_ATTEMPT} FROM attempt {where}", values))

    def _run_row(self, row: tuple[Any, ...]) -> RunRow:
        number, _, trace_id, started, ended, *rest = row
        alive = ended is None and _is_held(self._running / str(number))
        status = FINISHED if ended is not None else RUNNING if alive else INTERRUPTED
        return RunRow(trace_id, status, started, ended, *rest)


def _is_held(lock: Path) -> bool:
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


def _ending_values(ending: Ending) -> tuple[object, ...]:
    columns = (f.name for f in fields(Ending) if f.name not in ("details", "candidates"))
    return (*(getattr(ending, name) for name in columns), json.dumps(dict(ending.details), ensure_ascii=False))


def _candidate_values(row: CandidateRow) -> tuple[object, ...]:
    told = (getattr(row, f.name) for f in fields(CandidateRow))
    return tuple(value if isinstance(value, str | int | None) else json.dumps(_plain(value)) for value in told)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value)


def _candidate(row: tuple[Any, ...]) -> CandidateRow:
    told = dict(zip((f.name for f in fields(CandidateRow)), row, strict=True))
    for name in ("newly_failing", "missing"):
        told[name] = tuple(json.loads(told[name]))
    return CandidateRow(**{**told, "stub": bool(told["stub"]), "checks": json.loads(told["checks"])})
