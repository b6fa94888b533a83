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

from llm.errors import LedgerError
from llm.ledger.sqlite_file import atomic, connect
from llm.ledger.trace_reading import going_on, is_held, read_attempts, read_runs, read_story
from llm.ledger.trace_rows import Attempt, CandidateRow, Change, Ending, RunRow, StoredRun, WinRate
from llm.ledger.trace_schema import KIND, sum_up
from llm.ledger.win_rates import judged

KEEP_RUNS = 100_000
KEEP_DAYS = 90
"""The newest so many, and none that is older."""

_ATTEMPT_VALUES = attrgetter(*(f.name for f in fields(Attempt)))


def _adding(table: str, noun: type[Attempt | CandidateRow | Change]) -> str:
    """By the names of the columns: a process that is still running may meet one that a newer Torre added."""
    names = ("run", *(f.name for f in fields(noun)))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"


_ADD_ATTEMPT = _adding("attempt", Attempt)
_ADD_CANDIDATE = _adding("candidate", CandidateRow)
_ADD_CHANGE = _adding("change", Change)
_END = """UPDATE run SET ended = ?, stage = ?, mode = ?, exit_code = ?, summary = ?, duration_ms = ?, winner = ?,
    winner_lane = ?, winner_origin = ?, diff = ?, isolation = ?, details = ? WHERE id = ?"""


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
        self._db = connect(path, notes, busy_s, KIND)
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
            self._db.execute("UPDATE run SET failure = ? WHERE id = ?", (failure, self._newest(trace_id)))

    def attempts_on(self, failure: str, since: float) -> int:
        """How many attempts have been made on this failure since `since` (epoch seconds), by any run."""
        question = "SELECT count(*) FROM attempt JOIN run ON run = run.id WHERE failure = ? AND at >= ?"
        with self._step():
            return int(self._db.execute(question, (failure, since)).fetchone()[0])

    def add_attempt(self, attempt: Attempt) -> None:
        """Add an attempt to its run, which must have begun. It is in the figures once the run is summed up:
        when it ends, or when it is found that it was interrupted."""
        with self._step():
            run = self._newest(attempt.trace_id)
            self._db.execute(_ADD_ATTEMPT, (run, *_ATTEMPT_VALUES(attempt)))

    def set_verdict(self, trace_id: str, lane: str, number: int, verdict: str) -> None:
        """What became of the candidate of that attempt: `passed`, or its discard reason."""
        with self._step():
            run = self._newest(trace_id)
            self._judge(run, [(verdict, lane, number)])

    def finish(self, trace_id: str, ending: Ending) -> None:
        """The run's end, its candidates and their verdicts, in one step. ValueError for one that never began."""
        with self._step():
            run = self._newest(trace_id)
            if not run:
                raise ValueError(f"run {trace_id} has not begun")
            self._db.execute(_END, (self._clock(), *_ending_values(ending), run))
            self._db.executemany(_ADD_CANDIDATE, [(run, *_candidate_values(c)) for c in ending.candidates])
            answers = (c for c in ending.candidates if c.attempt)
            self._judge(run, [(c.reason or "passed", c.provider, c.attempt) for c in answers])
            sum_up(self._db, run)
        self._let_go(trace_id)

    def note_change(self, trace_id: str, change: Change) -> None:
        """What was done with the run's patch on the user's files; nothing where the run is not kept any more."""
        with self._step():
            run = self._newest(trace_id)
            if not run:
                return
            self._db.execute(_ADD_CHANGE, (run, change.at, change.what, change.who, change.reason))
            self._db.execute("UPDATE run SET change = ? WHERE id = ?", (change.what, run))
            sum_up(self._db, run)

    def runs(self, limit: int = 20, before: float | None = None) -> tuple[RunRow, ...]:
        """The newest runs first; `before`: only those that started earlier (epoch seconds)."""
        with self._step():
            return read_runs(self._db, going_on(self._running), limit, before)

    def run(self, prefix: str) -> StoredRun:
        """The run whose trace id begins so; of several with one id, the newest. InputError: none, or ambiguous."""
        with self._step():
            return read_story(self._db, going_on(self._running), prefix)

    def attempts(self, since: float = 0.0) -> tuple[Attempt, ...]:
        """All attempts at or after `since` (epoch seconds), oldest first."""
        with self._step():
            return read_attempts(self._db, "WHERE at >= ? ORDER BY at", (since,))

    def win_rates(self) -> tuple[WinRate, ...]:
        """How often each lane proved a fix, by stage, over the runs that ended."""
        with self._step():
            return tuple(each.rate for each in judged(self._db))

    def sweep(self) -> None:
        """Drop what is older or more than is kept, and the locks that dead processes left behind: those runs were
        interrupted, and are summed up as they are."""
        with self._step():
            self._db.execute(
                "DELETE FROM run WHERE started < ? OR id <= (SELECT max(id) FROM run) - ?",
                (self._clock() - KEEP_DAYS * 86400, KEEP_RUNS),
            )
            if self._running.is_symlink():
                raise LedgerError(f"{self._running}: is a link; remove it")
            self._running.mkdir(exist_ok=True, mode=0o700)
            for lock in self._running.iterdir():
                if not is_held(lock):
                    if lock.name.isdigit():
                        sum_up(self._db, int(lock.name))
                    lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the connection back. A run that this store began and did not finish counts as interrupted."""
        try:
            for trace_id in tuple(self._held):
                with self._step():
                    sum_up(self._db, self._newest(trace_id))
                self._let_go(trace_id)
        finally:
            self._db.close()

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self._lock, atomic(self._db, self.path, self._busy_s, KIND):
            yield

    def _newest(self, trace_id: str) -> int:
        """The number of the run, 0 where there is none: no row is of that."""
        found = self._db.execute("SELECT coalesce(max(id), 0) FROM run WHERE trace_id = ?", (trace_id,))
        return int(found.fetchone()[0])

    def _hold(self, run: int) -> tuple[int, Path]:
        """Take the lock of a run; inside a step, so that nobody sees the run without it. It gets its name when it
        is held: who looks at locks meanwhile must not be in the way."""
        aside, lock = self._running / f"{run}.new", self._running / str(run)
        held = os.open(aside, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside.rename(lock)
        return held, lock

    def _let_go(self, trace_id: str) -> None:
        if trace_id in self._held:
            held, lock = self._held.pop(trace_id)
            lock.unlink(missing_ok=True)
            os.close(held)

    def _judge(self, run: int, verdicts: list[tuple[str, str, int]]) -> None:
        self._db.executemany(
            "UPDATE attempt SET verdict = ? WHERE lane = ? AND number = ? AND run = ?",
            [(*verdict, run) for verdict in verdicts],
        )


def _ending_values(ending: Ending) -> tuple[object, ...]:
    columns = (f.name for f in fields(Ending) if f.name not in ("details", "candidates"))
    return (*(getattr(ending, name) for name in columns), json.dumps(dict(ending.details), ensure_ascii=False))


def _candidate_values(row: CandidateRow) -> tuple[object, ...]:
    told = (getattr(row, f.name) for f in fields(CandidateRow))
    return tuple(value if isinstance(value, str | int | None) else json.dumps(_plain(value)) for value in told)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value)
