"""Where a ledger lies: `TORRE_LEDGER` says, else it is the workspace's own under `.torre/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llm.errors import LedgerError
from llm.ledger.base import QuotaStore

_IGNORE = (
    "# Torre's own records stay on this machine; the policy is yours to commit.\n*\n!providers.yaml\n!.gitignore\n"
)
_WIRES = ("redis://", "rediss://", "unix://")


def open_store(root: Path, env: Mapping[str, str]) -> QuotaStore:
    """The ledger that `TORRE_LEDGER` names (a path, or redis://…), else the workspace's own. LedgerError."""
    named = env.get("TORRE_LEDGER", "")
    if named.startswith(_WIRES):
        from llm.ledger.redis import RedisStore

        return RedisStore(named)
    from llm.ledger.sqlite import SqliteStore

    if named:
        return SqliteStore(Path(named).expanduser())
    return SqliteStore(_own_directory(root) / "ledger.sqlite", notes=_notes(env))


def _own_directory(root: Path) -> Path:
    """`.torre` of the workspace with its .gitignore, made if need be. A link there would lead us elsewhere."""
    own = root / ".torre"
    if own.is_symlink():
        raise LedgerError(f"{own}: is a link; remove it, or name a ledger by TORRE_LEDGER")
    try:
        own.mkdir(exist_ok=True)
        ignore = own / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_IGNORE, encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"{own}: cannot be written: {error.strerror}; name a ledger by TORRE_LEDGER") from error
    return own


def _notes(env: Mapping[str, str]) -> Path:
    """Where this user's ledgers are noted. A relative XDG_STATE_HOME would lie in a workspace: ignored."""
    base = env.get("XDG_STATE_HOME", "")
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "torre" / "ledgers"
