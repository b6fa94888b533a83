"""Looking at a part of the traces: only that of workspaces below given directories.

For this connection alone, what is called `run` and `share` is a view of that part, so that whatever is asked of
them is asked of it, and of nothing beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PART = """
CREATE TEMP TABLE served (prefix TEXT NOT NULL);
CREATE TEMP TABLE bare (trace_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP VIEW run AS SELECT * FROM main.run WHERE {below}
    OR workspace = '' AND trace_id IN (SELECT trace_id FROM bare);
CREATE TEMP VIEW share AS SELECT * FROM main.share WHERE {below}
    OR workspace = '' AND run IN (SELECT id FROM main.run JOIN bare USING (trace_id));
"""
_BELOW = "EXISTS (SELECT 1 FROM served WHERE substr(workspace || '/', 1, length(prefix)) = prefix)"


@dataclass(frozen=True, slots=True)
class Within:
    """Runs in a workspace at or below one of `roots`, which are resolved; and of those that had no workspace but
    files of their own, the ones with these ids."""

    roots: tuple[Path, ...]
    bare: tuple[str, ...] = ()


def confine(db: sqlite3.Connection, within: Within) -> None:
    """From now on this connection has only those."""
    for statement in _PART.format(below=_BELOW).split(";"):
        db.execute(statement)
    _fill(db, "INSERT INTO served VALUES (?)", (f"{str(root).rstrip('/')}/" for root in within.roots))
    _fill(db, "INSERT OR IGNORE INTO bare VALUES (?)", within.bare)


def _fill(db: sqlite3.Connection, statement: str, values: Iterable[str]) -> None:
    db.executemany(statement, ((value,) for value in values))
