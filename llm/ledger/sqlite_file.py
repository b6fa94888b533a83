"""The file of the SQLite ledger: made aside and linked into place, checked and brought up to date when opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from llm.errors import LedgerError
from llm.ledger.ours import forget, note, refuse_foreign

_APPLICATION = 0x544F5252
"""In the file's header: this database is a ledger of Torre's."""

_FIRST = """
CREATE TABLE clock (id TEXT NOT NULL, seen REAL NOT NULL, timezone TEXT NOT NULL);
CREATE TABLE bucket (
    scope TEXT NOT NULL, span TEXT NOT NULL,
    calls INTEGER NOT NULL, tokens INTEGER NOT NULL, usd_micros INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    PRIMARY KEY (scope, span)
) WITHOUT ROWID;
CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL, run TEXT NOT NULL, day TEXT NOT NULL, state TEXT NOT NULL,
    at REAL NOT NULL, sent_at REAL, lease_until REAL, recent INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL, usd_micros INTEGER NOT NULL, unpriced INTEGER NOT NULL
);
CREATE INDEX call_lease ON call (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX call_recent ON call (lane, sent_at) WHERE recent = 1;
CREATE TABLE health (
    lane TEXT PRIMARY KEY, cooldown_until REAL NOT NULL, cause TEXT NOT NULL, failures INTEGER NOT NULL
) WITHOUT ROWID;
"""

UPGRADES = (_FIRST,)
"""One script a version: the n-th brings a ledger of version n to n + 1. Never edited, only added to."""


def connect(path: Path, notes: Path | None, busy_s: float) -> sqlite3.Connection:
    """A connection to the ledger at `path`, which is made if need be. `notes`: refuse one that is not ours."""
    with named_errors(path, busy_s):
        if path.is_symlink() and notes is not None:
            raise LedgerError(f"{path}: is a link; remove it, or name the ledger by TORRE_LEDGER")
        if not path.exists():
            _make(path, notes)
        elif not path.is_file():
            raise LedgerError(f"{path}: is not a file")
        db = _open(path, busy_s)
        try:
            _check(db, path, notes)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def named_errors(path: Path, busy_s: float) -> Iterator[None]:
    """SQLite's errors as a LedgerError that names the file, the cause and what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"{path}: {_cause(error, busy_s)}; no call is made") from error


def _cause(error: sqlite3.Error | OSError, busy_s: float) -> str:
    text = str(error)
    if "locked" in text:
        return f"locked by another process for more than {busy_s:g} s"
    if "not a database" in text or "malformed" in text or "no such table" in text:
        return f"corrupt ({text}); move it away to start again from zero"
    return text


def _open(path: Path, busy_s: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _make(path: Path, notes: Path | None) -> None:
    ledger_id = uuid.uuid4().hex
    aside = path.with_name(f"{path.name}.{ledger_id}.new")
    aside.touch(mode=0o600)
    try:
        _fill(aside, ledger_id)
        if notes is not None:
            note(notes, ledger_id)
        os.link(aside, path)
    except FileExistsError:  # another process was first: its ledger is the ledger
        if notes is not None:
            forget(notes, ledger_id)
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{aside}{suffix}").unlink(missing_ok=True)


def _fill(aside: Path, ledger_id: str) -> None:
    with closing(_open(aside, 1.0)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        upgrade(db)
        db.execute("INSERT INTO clock VALUES (?, 0, 'UTC')", (ledger_id,))


def _check(db: sqlite3.Connection, path: Path, notes: Path | None) -> None:
    if int(db.execute("PRAGMA application_id").fetchone()[0]) != _APPLICATION:
        raise LedgerError(f"{path}: is not a ledger of Torre's")
    known = db.execute("SELECT id FROM clock").fetchone()
    if known is None:
        raise LedgerError(f"{path}: corrupt (it has no clock); move it away to start again from zero")
    if notes is not None:
        refuse_foreign(path, notes, str(known[0]))
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(UPGRADES):
        raise LedgerError(f"{path}: was made by a newer Torre (version {version}, known here: {len(UPGRADES)})")
    upgrade(db)


def upgrade(db: sqlite3.Connection, scripts: Sequence[str] = UPGRADES) -> None:
    """Bring a ledger to the version that `scripts` lead to; each one with its number or not at all."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    for number, script in enumerate(scripts[version:], version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
