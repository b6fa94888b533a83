"""Whether a ledger is ours: one that arrived with a checkout is not believed. So with journals and locks.

Each ledger has a random id, which is noted in the user's own state directory when it is made. A file in the
workspace whose id is not noted there was made by somebody else.
"""

from __future__ import annotations

from pathlib import Path

from llm.errors import LedgerError


def note(notes: Path, ledger_id: str, remedy: str = "name a ledger by TORRE_LEDGER") -> None:
    """Remember that this user made this ledger. LedgerError, which ends in `remedy`."""
    try:
        notes.mkdir(parents=True, exist_ok=True, mode=0o700)
        (notes / ledger_id).touch(mode=0o600)
    except OSError as error:
        raise LedgerError(f"{notes}: cannot be written: {error.strerror}; {remedy}") from error


def forget(notes: Path, ledger_id: str) -> None:
    """The ledger of this id was never put to use."""
    (notes / ledger_id).unlink(missing_ok=True)


def is_ours(notes: Path, ledger_id: str) -> bool:
    """Whether this user made what has this id."""
    return len(ledger_id) == 32 and ledger_id.isalnum() and (notes / ledger_id).exists()


def refuse_foreign(path: Path, notes: Path, ledger_id: str, remedy: str) -> None:
    """LedgerError for a ledger that this user did not make."""
    if not is_ours(notes, ledger_id):
        raise LedgerError(f"{path}: was not made by this user on this machine and is not believed; {remedy}")
