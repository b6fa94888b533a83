"""Where Torre's records lie: in the workspace's `.torre/`, where `TORRE_LEDGER` says, or in the user's state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llm.errors import LedgerError

if TYPE_CHECKING:
    from llm.ledger.base import QuotaStore
    from llm.ledger.trace_figures import TraceFigures
    from llm.ledger.trace_within import Within
    from llm.ledger.traces import TraceStore

_IGNORE = (
    "# Torre's own records stay on this machine; the policy is yours to commit.\n*\n!providers.yaml\n!.gitignore\n"
)
_ELSEWHERE = "name a ledger elsewhere by TORRE_LEDGER"
_WIRES = ("redis://", "rediss://", "unix://")


def open_store(root: Path, env: Mapping[str, str]) -> QuotaStore:
    """The ledger that `TORRE_LEDGER` names (a path, or redis://…), else the workspace's own. LedgerError."""
    named = env.get("TORRE_LEDGER", "")
    if named.startswith(_WIRES):
        from llm.ledger.redis import RedisStore

        return RedisStore(named)
    from llm.ledger.sqlite import SqliteStore

    if named:
        return SqliteStore(_named(named))
    return SqliteStore(own_directory(root) / "ledger.sqlite", notes=_notes(env))


def open_traces(root: Path, env: Mapping[str, str], busy_s: float = 10.0) -> TraceStore:
    """The traces beside that ledger, or the workspace's own where the ledger is a Redis. `busy_s` bounds each wait
    for another process. LedgerError."""
    from llm.ledger.traces import TraceStore

    return TraceStore(*place_of("traces.sqlite", root, env), busy_s)


def open_figures(root: Path, env: Mapping[str, str], within: Within | None = None) -> TraceFigures:
    """The same traces, or a part of them, to be counted; nothing is made where no run was ever kept.
    LedgerError."""
    from llm.ledger.trace_figures import TraceFigures

    if not has_traces(root, env):
        return TraceFigures.of_nothing()
    return TraceFigures.at(*place_of("traces.sqlite", root, env), within)


def place_of(name: str, root: Path, env: Mapping[str, str]) -> tuple[Path, Path | None]:
    """Where a file is kept beside the ledger: in the workspace's own directory, made if need be, or beside the
    one that `TORRE_LEDGER` names. With it the notes of this user's files; None: the user named the place, and
    whatever lies there is believed. LedgerError."""
    if shares_file(env):
        return _beside(env["TORRE_LEDGER"], name), None
    return own_directory(root) / name, _notes(env)


def has_ledger(root: Path, env: Mapping[str, str]) -> bool:
    """Whether anything was ever counted, so that only looking makes no files."""
    named = env.get("TORRE_LEDGER", "")
    return named.startswith(_WIRES) or (_named(named) if named else root / ".torre" / "ledger.sqlite").exists()


def has_traces(root: Path, env: Mapping[str, str]) -> bool:
    """Whether any run was ever kept, so that only looking makes no files."""
    beside = _beside(env["TORRE_LEDGER"], "traces.sqlite") if shares_file(env) else None
    return (beside or root / ".torre" / "traces.sqlite").exists()


def shares_file(env: Mapping[str, str]) -> bool:
    """Whether one file, which `TORRE_LEDGER` names, has the traces of whoever is told to keep them there."""
    named = env.get("TORRE_LEDGER", "")
    return bool(named) and not named.startswith(_WIRES)


def own_directory(root: Path, *below: str, remedy: str = _ELSEWHERE) -> Path:
    """`.torre` of the workspace with its .gitignore, or a directory below it, made if need be.

    LedgerError, which ends in `remedy`, where it cannot be written, or is a link: a checkout can bring one that
    leads elsewhere.
    """
    own = root / ".torre"
    folder = own
    try:
        _make(own, remedy)
        for name in below:
            folder /= name
            _make(folder, remedy)
        ignore = own / ".gitignore"
        with suppress(FileExistsError), ignore.open("x", encoding="utf-8") as new:  # "x" follows no dangling link
            new.write(_IGNORE)
    except OSError as error:
        raise LedgerError(f"{folder}: {error.strerror}; {remedy}") from error
    if not os.access(folder, os.W_OK):
        raise LedgerError(f"{folder}: cannot be written; {remedy}")
    return folder


def state_directory(env: Mapping[str, str]) -> Path:
    """This user's directory for what Torre keeps. A relative XDG_STATE_HOME would lie in a workspace: ignored."""
    base = env.get("XDG_STATE_HOME", "")
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "torre"


def _make(folder: Path, remedy: str) -> None:
    if folder.is_symlink():
        raise LedgerError(f"{folder}: is a link; remove it, or {remedy}")
    folder.mkdir(exist_ok=True)


def _named(ledger: str) -> Path:
    return Path(ledger).expanduser()


def _beside(ledger: str, name: str) -> Path:
    path = _named(ledger)
    return path.with_name(f"{path.stem}.{name}")


def _notes(env: Mapping[str, str]) -> Path:
    """Where this user's ledgers are noted."""
    return state_directory(env) / "ledgers"
