"""The job table: what was accepted is in it before the answer is given, and stays until it is done and told.

One server works on a table at a time: it holds a lock beside it, which the kernel lets go of however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from llm.errors import LedgerError
from llm.ledger.home import place_of
from llm.ledger.sqlite_file import Kind, atomic, connect, named_errors
from llm.server.jobs.rows import ENDED, Asked, Job, Outcome, State

KEEP_JOBS = 10_000
"""So many that have ended are kept."""
_BUSY_S = 10.0

_FIRST = """
CREATE TABLE store (id TEXT NOT NULL);
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, key TEXT NOT NULL,
    workspace TEXT NOT NULL, root TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL, started REAL,
    ended REAL, mode TEXT NOT NULL DEFAULT '', exit_code INTEGER, summary TEXT NOT NULL DEFAULT '',
    attended INTEGER NOT NULL, argv TEXT NOT NULL, payload BLOB, result TEXT, failure TEXT
);
CREATE INDEX job_state ON job (state, number);
"""

_KIND = Kind(
    name="job table",
    application=0x544F524A,
    scripts=(_FIRST,),
    begin="INSERT INTO store VALUES (?)",
    identify="SELECT id FROM store",
    otherwise="no job is accepted",
    remedy="remove it (its jobs are lost)",
)

_ROW = "number, id, kind, key, workspace, root, state, created, started, ended, mode, exit_code, summary"
_ENDED_WORDS = ", ".join(f"'{state}'" for state in sorted(ENDED))


class JobTable:
    """The jobs in the file at `path`. Thread-safe. LedgerError where it cannot be had, or another server has
    it."""

    def __init__(self, path: Path, notes: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock, self._lock_to_look = Lock(), Lock()
        self._held = _hold(path.with_suffix(".lock"))
        try:
            self._db = connect(path, notes, _BUSY_S, _KIND)
            self._looking = connect(path, notes, _BUSY_S, _KIND)
        except BaseException:
            os.close(self._held)
            raise

    @classmethod
    def of(cls, root: Path, env: Mapping[str, str]) -> JobTable:
        """The one that lies beside the ledger of a root."""
        return cls(*place_of("jobs.sqlite", root, env))

    def recover(self) -> tuple[tuple[int, str, str], ...]:
        """After a start: what was going on was interrupted, and so is what nobody waits for any more. What is to
        be taken up again, in its order: number, id, key."""
        with self._step() as execute:
            execute(
                "UPDATE job SET state = ?, ended = ?, payload = NULL WHERE state = ? OR (state = ? AND attended)",
                (State.INTERRUPTED, self._clock(), State.RUNNING, State.QUEUED),
            )
            waiting = execute("SELECT number, id, key FROM job WHERE state = ? ORDER BY number", (State.QUEUED,))
            return tuple(waiting.fetchall())

    def add(self, asked: Asked) -> Job | None:
        """Accepted: it is in the file when this returns. None: there is a job of this id already."""
        columns = "id, kind, key, workspace, root, state, created, attended, argv, payload"
        values = (asked.id, asked.kind, asked.key, asked.workspace, asked.root, State.QUEUED, self._clock())
        with self._step() as execute:
            if execute("SELECT 1 FROM job WHERE id = ?", (asked.id,)).fetchone():
                return None
            execute(
                f"INSERT INTO job ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, asked.attended, json.dumps(asked.argv), asked.payload),
            )
            return _job(execute(f"SELECT {_ROW} FROM job WHERE id = ?", (asked.id,)).fetchone())

    def start(self, job_id: str) -> Asked | None:
        """It is going on from now. None: it is not waiting any more."""
        with self._step() as execute:
            started = execute(
                "UPDATE job SET state = ?, started = ? WHERE id = ? AND state = ? "
                "RETURNING kind, key, workspace, root, argv, payload, attended",
                (State.RUNNING, self._clock(), job_id, State.QUEUED),
            ).fetchone()
        if started is None:
            return None
        kind, key, workspace, root, argv, payload, attended = started
        return Asked(job_id, kind, key, workspace, root, tuple(json.loads(argv)), payload, bool(attended))

    def finish(self, job_id: str, outcome: Outcome) -> None:
        """How it ended. What it was asked is forgotten; the oldest that ended are, too."""
        told = outcome.result or {}
        summary = told["report"]["summary"].encode("utf-8", "replace").decode() if "report" in told else ""
        values = (outcome.state, self._clock(), told.get("mode", ""), told.get("exit_code"), summary)
        with self._step() as execute:
            execute(
                "UPDATE job SET state = ?, ended = ?, mode = ?, exit_code = ?, summary = ?, payload = NULL, "
                "result = ?, failure = ? WHERE id = ?",
                (*values, _text(outcome.result), _text(outcome.failure), job_id),
            )
            execute(
                f"DELETE FROM job WHERE state IN ({_ENDED_WORDS}) AND number <= (SELECT max(number) FROM job) - ?",
                (KEEP_JOBS,),
            )

    def job(self, job_id: str) -> Job | None:
        """One job with what came of it. Does not wait for who writes."""
        with self._look() as execute:
            row = execute(f"SELECT {_ROW}, result, failure FROM job WHERE id = ?", (job_id,)).fetchone()
        return _job(row) if row else None

    def jobs(self, limit: int, before: int | None = None, state: str = "", workspace: str = "") -> tuple[Job, ...]:
        """The newest first; `before`: only those with a smaller number."""
        where = "number < ? AND (? IN ('', state)) AND (? IN ('', workspace))"
        values = (1 << 62 if before is None else before, state, workspace, limit)
        with self._look() as execute:
            found = execute(f"SELECT {_ROW} FROM job WHERE {where} ORDER BY number DESC LIMIT ?", values)
            return tuple(_job(row) for row in found.fetchall())

    def bare(self, root: Path) -> tuple[str, ...]:
        """The ids of the runs that were given files and no workspace, and whose records are there."""
        with self._look() as execute:
            found = execute("SELECT id FROM job WHERE workspace = '' AND root = ?", (str(root),))
            return tuple(row[0] for row in found.fetchall())

    def close(self) -> None:
        """Give the file back, and let another server have it."""
        self._looking.close()
        self._db.close()
        os.close(self._held)

    @contextmanager
    def _look(self) -> Iterator[Callable[..., Any]]:
        with self._lock_to_look, named_errors(self._path, _BUSY_S, _KIND):
            yield self._looking.execute

    @contextmanager
    def _step(self) -> Iterator[Callable[..., Any]]:
        with self._lock, atomic(self._db, self._path, _BUSY_S, _KIND):
            yield self._db.execute


def _hold(lock: Path) -> int:
    held = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise LedgerError(
            f"{lock}: another `torre serve` works on these jobs; end it, or serve other roots"
        ) from None
    return held


def _job(row: tuple[Any, ...]) -> Job:
    number, job_id, kind, key, workspace, root, state, *rest = row
    times, told = rest[:6], [json.loads(text) if text else None for text in rest[6:]]
    return Job(number, job_id, kind, key, workspace, root, State(state), *times, *told)


def _text(told: Mapping[str, Any] | None) -> str | None:
    return None if told is None else json.dumps(told)
