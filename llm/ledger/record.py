"""The record of a run: one JSON line an event, appended and flushed as it happens.

A run that is interrupted or killed leaves the events up to that point. The file is
`<root>/.torre/runs/<trace_id>.jsonl`; where the root cannot be written, or its `.torre` is a link that leads
elsewhere, it is the user's own state directory instead.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from llm.domain import Event
from llm.errors import LedgerError, kind_of
from llm.ledger.home import own_directory, state_directory

Hide = Callable[[dict[str, Any]], dict[str, Any]]


class Record:
    """Append-only and thread-safe. `path` is where the events are; `listen` sees each one as it happens."""

    def __init__(self, path: Path, trace_id: str, listen: Callable[[Event], None], hide: Hide = dict) -> None:
        self.path = path
        self._hide = hide
        self.trace_id = trace_id
        self._listen = listen
        self._lock = Lock()
        self._seq = 0
        self._file = open(path, "a", encoding="utf-8", errors="surrogateescape", opener=_no_link)  # noqa: SIM115 - closed by `close`

    def emit(self, kind: str, **data: Any) -> None:
        """Append one event; it is in the file before this returns."""
        data = self._hide(data)
        with self._lock:
            self._seq += 1
            event = Event(self._seq, time.time(), kind, data)
            line = {"seq": event.seq, "at": event.at, "trace_id": self.trace_id, "kind": kind, **data}
            self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            self._file.flush()
        self._listen(event)

    def close(self) -> None:
        """Nothing can be emitted after this."""
        self._file.close()


def _no_link(path: str, flags: int) -> int:
    """A trace id can be given, and a checkout can bring a link of that name."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


@contextmanager
def open_record(root: Path, trace_id: str, listen: Callable[[Event], None], hide: Hide = dict) -> Iterator[Record]:
    """The record of one run under `root`. An exception that passes through is noted as the last event.

    `hide` takes out of an event's data what must be neither kept nor shown.
    """
    record = Record(_folder(root) / f"{trace_id}.jsonl", trace_id, listen, hide)
    try:
        yield record
    except BaseException as error:
        record.emit("ended", outcome=kind_of(error), message=str(error))
        raise
    finally:
        record.close()


def find_record(root: Path, trace_id: str) -> Path | None:
    """Where the events of a run under `root` are, None where there are none; looking makes nothing."""
    places = (root / ".torre" / "runs", state_directory(os.environ) / "runs")
    followed = (folder for folder in places if not (folder.is_symlink() or folder.parent.is_symlink()))
    files = (folder / f"{trace_id}.jsonl" for folder in followed)
    return next((path for path in files if path.is_file() and not path.is_symlink()), None)


def _folder(root: Path) -> Path:
    try:
        return own_directory(root, "runs")
    except LedgerError:
        return _elsewhere()


def _elsewhere() -> Path:
    """The user's state directory; where there is none to write to, a private temporary one that stays."""
    folder = state_directory(os.environ) / "runs"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="torre-runs-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="torre-runs-"))
