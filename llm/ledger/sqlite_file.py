"""A SQLite file of Torre's: made aside and linked into place, checked and brought up to date when opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from llm.errors import LedgerError
from llm.ledger.ours import forget, note, refuse_foreign


class Kind(NamedTuple):
    """What a file is for. `application` is in its header; `identify` reads the random id that `begin` wrote.

    `scripts` bring it up to date, one a version: the n-th from version n to n + 1; never edited, only added to. A
    semicolon in them ends a statement.
    `otherwise` is what does not happen when it cannot be had, `remedy` what to do with one of somebody else's.
    `page_bytes` is what is written where a step changes a short row.
    """

    name: str
    application: int
    scripts: tuple[str, ...]
    begin: str
    identify: str
    otherwise: str
    remedy: str
    page_bytes: int = 1024


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

LEDGER = Kind(
    name="ledger",
    application=0x544F5252,
    scripts=UPGRADES,
    begin="INSERT INTO clock (id, seen, timezone) VALUES (?, 0, 'UTC')",
    identify="SELECT id FROM clock",
    otherwise="no call is made",
    remedy="remove it (its counts are lost), or name it by TORRE_LEDGER",
)


def connect(path: Path, notes: Path | None, busy_s: float, kind: Kind = LEDGER) -> sqlite3.Connection:
    """A connection to the file at `path`, which is made if need be. `notes`: refuse one that is not ours."""
    with named_errors(path, busy_s, kind):
        if path.is_symlink() and notes is not None:
            raise LedgerError(f"{path}: is a link; remove it, or name the ledger by TORRE_LEDGER")
        if not path.exists():
            _make(path, notes, kind)
        elif not path.is_file():
            raise LedgerError(f"{path}: is not a file")
        db = _open(path, busy_s)
        try:
            _check(db, path, notes, kind)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def named_errors(path: Path, busy_s: float, kind: Kind = LEDGER) -> Iterator[None]:
    """SQLite's errors as a LedgerError that names the file, the cause and what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _named(error, path, busy_s, kind) from error


@contextmanager
def atomic(db: sqlite3.Connection, path: Path, busy_s: float, kind: Kind = LEDGER) -> Iterator[None]:
    """All of what is done inside, or nothing; one process at a time. Errors as `named_errors` tells them."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    except (sqlite3.Error, OSError) as error:
        raise _named(error, path, busy_s, kind) from error


def _named(error: sqlite3.Error | OSError, path: Path, busy_s: float, kind: Kind) -> LedgerError:
    return LedgerError(f"{path}: {_cause(error, busy_s)}; {kind.otherwise}")


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


def _make(path: Path, notes: Path | None, kind: Kind) -> None:
    ledger_id = uuid.uuid4().hex
    aside = path.with_name(f"{path.name}.{ledger_id}.new")
    aside.touch(mode=0o600)
    try:
        _fill(aside, ledger_id, kind)
        if notes is not None:
            note(notes, ledger_id)
        os.link(aside, path)
    except FileExistsError:  # another process was first: its file is the file
        if notes is not None:
            forget(notes, ledger_id)
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{aside}{suffix}").unlink(missing_ok=True)


def _fill(aside: Path, ledger_id: str, kind: Kind) -> None:
    with closing(_open(aside, 1.0)) as db:
        db.execute(f"PRAGMA page_size = {kind.page_bytes}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA application_id = {kind.application}")
        upgrade(db, kind.scripts)
        db.execute(kind.begin, (ledger_id,))


def _check(db: sqlite3.Connection, path: Path, notes: Path | None, kind: Kind) -> None:
    if int(db.execute("PRAGMA application_id").fetchone()[0]) != kind.application:
        raise LedgerError(f"{path}: is not a {kind.name} of Torre's")
    known = db.execute(kind.identify).fetchone()
    if known is None:
        raise LedgerError(f"{path}: corrupt (it has no id); move it away to start again from zero")
    if notes is not None:
        refuse_foreign(path, notes, str(known[0]), kind.remedy)
    upgrade(db, kind.scripts, str(path))


def upgrade(db: sqlite3.Connection, scripts: Sequence[str] = UPGRADES, name: str = "this file") -> None:
    """Bring a file to the version that `scripts` lead to, all the way or not at all. Of several processes that
    open an old file at once, one does it. LedgerError, with nothing changed: a newer Torre has been there."""
    if not _missing(db, scripts, name):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        missing = _missing(db, scripts, name)  # whoever had the file until now may have brought it up to date
        for script in missing:
            for statement in script.split(";"):
                db.execute(statement)
        if missing:
            db.execute(f"PRAGMA user_version = {len(scripts)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _missing(db: sqlite3.Connection, scripts: Sequence[str], name: str) -> Sequence[str]:
    """The scripts that the file has not seen. LedgerError where it has seen more than there are."""
    version, newest = int(db.execute("PRAGMA user_version").fetchone()[0]), len(scripts)
    if version > newest:
        raise LedgerError(f"{name}: was made by a newer Torre (version {version}, known here: {newest})")
    return scripts[version:]
