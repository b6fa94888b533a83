"""The write-ahead journal: what every touched file was, byte for byte, before the first one is written.

One apply is one folder, `.torre/journal/<number>/`: the files' old bytes in `before/`, a manifest of what is to
change, and a state that is replaced by a rename. The manifest's hash is noted in the user's own state directory:
a journal that arrived with a checkout, or was changed, is not believed, nor are bytes that do not match it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from types import TracebackType

import msgspec

from llm.apply.lock import NOTABLE, WRITABLE
from llm.apply.telling import tell
from llm.apply.tree import Content, NoFileError, Tree
from llm.errors import ApplyError
from llm.ledger.home import own_directory, state_directory
from llm.ledger.ours import forget, is_ours, note
from llm.workspace.paths import hash_of

KEEP = 20
"""So many applies can be taken back; older ones are forgotten."""

_FOLDER = ".torre/journal"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9]\d{0,8}")
_ID_CHARACTERS = 32
_MOST_MADE = 5
"""So many directories may have been made for the notes: `.local`, `state`, `torre` and `journals`, in one."""


class State(StrEnum):
    """How far an apply came. `APPLYING` and `UNDOING` end in the old files whenever they are interrupted."""

    APPLYING = "applying"
    COMMITTED = "committed"
    UNDOING = "undoing"
    UNDONE = "undone"
    ABANDONED = "abandoned"


UNFINISHED = (State.APPLYING, State.UNDOING)


@dataclass(frozen=True, slots=True)
class Change:
    """One file: hashes of what it was and is to be (None: no file), and the old one's mode, owner and extended
    attributes."""

    path: str
    before: str | None
    after: str | None
    mode: int = 0o666
    uid: int = -1
    gid: int = -1
    attributes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one apply changes. `workspace` is relative to the root; `directories` are those above the changed files
    with their modes, None for one that is made. `at` is seconds since the epoch."""

    workspace: str
    trace_id: str
    at: float
    changes: tuple[Change, ...]
    directories: Mapping[str, int | None]
    nonce: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The changed files."""
        return tuple(change.path for change in self.changes)


class Journal:
    """One apply that this user made here."""

    def __init__(self, tree: Tree, number: int, id: str, manifest: Manifest, state: State | None) -> None:
        self._tree = tree
        self.number = number
        self.id = id
        self.manifest = manifest
        self.state = state

    @property
    def folder(self) -> str:
        """Where it lies, relative to the root."""
        return f"{_FOLDER}/{self.number}"

    def before(self, position: int) -> bytes:
        """The old bytes of a change. ApplyError where they are damaged."""
        path = f"{self.folder}/before/{position}"
        found = self._tree.read(path)
        if found is None or hash_of(found.data) != self.manifest.changes[position].before:
            raise ApplyError(f"{path} is damaged: {self.manifest.changes[position].path!r} cannot be restored")
        return found.data

    @property
    def commit(self) -> str:
        """The id of the commit that was made of it, "" where none was. Only to be shown: it is not believed."""
        found = self._tree.read(f"{self.folder}/commit")
        told = found.data.decode("ascii", "replace") if found else ""
        return told if _COMMIT.fullmatch(told) else ""

    def note_commit(self, commit: str) -> None:
        """Remember the commit that was made of it."""
        self._tree.place(f"{self.folder}/commit", Content(commit.encode(), 0o600), "commit.new")

    def enter(self, state: State) -> None:
        """The new state, durable when this returns."""
        self._tree.place(f"{self.folder}/state", Content(state.encode(), 0o600), "state.new")
        self.state = state


class Journals:
    """All journals of one root."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self._root = root
        self._env = env
        self._notes = state_directory(env) / "journals"
        self._tree = Tree.open(root)

    def __enter__(self) -> Journals:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._tree.__exit__(kind, error, trace)

    def begin(self, manifest: Manifest, before: Sequence[bytes | None]) -> Journal:
        """A journal that is complete, believed and durable: from here on files may be written."""
        own_directory(self._root, "journal", remedy=WRITABLE)
        manifest = replace(manifest, nonce=secrets.token_hex(16))  # nobody can have brought its hash along
        number = self._claim()
        folder = f"{_FOLDER}/{number}"
        self._tree.make_directory(f"{folder}/before", 0o700)
        raw = _encoded(manifest)
        journal = Journal(self._tree, number, _id(raw), manifest, None)
        try:
            for position, data in enumerate(before):
                if data is not None:
                    self._tree.place(f"{folder}/before/{position}", Content(data, 0o600), "new")
            self._tree.place(f"{folder}/manifest.json", Content(raw, 0o600), "manifest.new")
            note(self._notes, journal.id, remedy=NOTABLE)
            _sync_chain(self._root / ".torre", 2)
            _sync_chain(self._notes, _MOST_MADE)
            journal.enter(State.APPLYING)
        except BaseException:
            self._remove(journal)
            raise
        return journal

    def ours(self) -> list[Journal]:
        """The believed ones, newest first; those that never began to write are none."""
        found = (self._read(number) for number in sorted(self._numbers(), reverse=True))
        return [journal for journal in found if journal is not None and journal.state is not None]

    def foreign(self) -> tuple[str, ...]:
        """Those that this user did not make, or that were changed since. One without a manifest never began."""
        whole = (n for n in sorted(self._numbers()) if self._manifest(n) is not None)
        return tuple(f"{_FOLDER}/{number}" for number in whole if self._read(number) is None)

    def tell(self, journal: Journal, what: str, reason: str = "") -> None:
        """Note in the trace of its run what became of it."""
        tell(self._root, self._env, journal.manifest.trace_id, what, reason)

    def prune(self) -> None:
        """Forget the oldest beyond those that are kept."""
        for journal in self.ours()[KEEP:]:
            if journal.state not in UNFINISHED:
                self._remove(journal)

    def _read(self, number: int) -> Journal | None:
        folder = f"{_FOLDER}/{number}"
        raw = self._manifest(number)
        if raw is None or not is_ours(self._notes, _id(raw)):
            return None
        state = self._tree.read(f"{folder}/state")
        if state and state.data.decode("ascii", "replace") not in list(State):
            return None
        manifest = msgspec.convert(json.loads(raw), Manifest)
        return Journal(self._tree, number, _id(raw), manifest, State(state.data.decode()) if state else None)

    def _manifest(self, number: int) -> bytes | None:
        """None where there is none. What is no plain file in a plain folder is no manifest of this user's."""
        try:
            found = self._tree.read(f"{_FOLDER}/{number}/manifest.json")
        except NoFileError:
            return b""
        return found.data if found else None

    def _numbers(self) -> list[int]:
        return [int(name) for name in self._tree.names(_FOLDER) if _NUMBER.fullmatch(name)]

    def _claim(self) -> int:
        """A folder that nobody has: one above this user's newest."""
        number = max((journal.number for journal in self.ours()), default=0) + 1
        taken = set(self._numbers())
        while number in taken:
            number += 1
        self._tree.make_directory(f"{_FOLDER}/{number}", 0o700)
        return number

    def _remove(self, journal: Journal) -> None:
        """State first: without it the rest means nothing."""
        self._tree.remove(f"{journal.folder}/state")
        forget(self._notes, journal.id)
        for position in range(len(journal.manifest.changes)):
            self._tree.remove(f"{journal.folder}/before/{position}")
        self._tree.remove_directory(f"{journal.folder}/before")
        self._tree.remove(f"{journal.folder}/commit")
        self._tree.remove(f"{journal.folder}/manifest.json")
        self._tree.remove_directory(journal.folder)


def _encoded(manifest: Manifest) -> bytes:
    """In ASCII: msgspec's own JSON has no place for a name that is not UTF-8."""
    return json.dumps(msgspec.to_builtins(manifest)).encode("ascii")


def _id(manifest: bytes) -> str:
    return sha256(manifest).hexdigest()[:_ID_CHARACTERS]


def _sync_chain(folder: Path, depth: int) -> None:
    """Make a directory's entries durable, and its own, as far up as it may just have been made. Without them a
    power cut would take the journal, or the note that it is believed by, and leave the files half written."""
    for place in (folder, *folder.parents)[:depth]:
        with suppress(PermissionError):  # not ours to list: then we have not made anything in it
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.fsync(descriptor)
            os.close(descriptor)
