"""A small JSON file of this user's own: not believed where others may write it, and replaced whole."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm.errors import TorreError

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """Entries by name under `member`. `error` makes what is raised of the path and a sentence; `remedy` is what to
    do about a file that cannot be read."""

    path: Path
    member: str
    error: Callable[[str, str], TorreError]
    remedy: str

    def read(self) -> Entries:
        """The entries; none where there is no file. Raises `error`."""
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o022:
                    words = "can be written by others: chmod 600 it after you looked into it"
                    raise self.error(str(self.path), words)
                entries: Entries = json.load(file)[self.member]
                return entries
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self.error(str(self.path), f"cannot be read; {self.remedy}") from error

    @contextmanager
    def edit(self) -> Iterator[Entries]:
        """The entries, to be changed; written back by replacement, one process at a time. Raises `error`."""
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = self.read()
            yield entries
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as aside:  # made with mode 0600
                json.dump({"version": 1, self.member: entries}, aside, indent=1)
                aside.flush()
                os.fsync(aside.fileno())
            Path(aside.name).replace(self.path)
