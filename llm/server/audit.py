"""Who applied what: one JSON line before it is begun and one when it is over, appended beside the ledger."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm.errors import LedgerError
from llm.ledger.home import place_of
from llm.server.guard import Principal


def note(root: Path, env: Mapping[str, str], who: Principal, address: str, **what: Any) -> None:
    """One line, on the disk when this returns. LedgerError: it cannot be written, so that nothing may be done."""
    path, _ = place_of("audit.jsonl", root, env)
    line = {"at": time.time(), "key": who.id, "name": who.name, "address": address, **what}
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}; nothing is applied without this line") from error
