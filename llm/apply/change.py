"""The files of one apply: what is to become of them, writing that, and putting all of it back.

Both ways go step by step. After each step the disk holds it, so that a process may be killed between any two.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from llm.apply.journal import Change, Journal, Manifest
from llm.apply.tree import Content, Tree, data_of
from llm.errors import ApplyError
from llm.workspace.paths import hash_of

Files = Mapping[str, bytes | None]
_EXECUTABLE, _PLAIN = 0o777, 0o666
_PERMISSIONS = 0o777
"""What a changed file keeps of its mode: its new content was made by somebody else, so no set-uid."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What an apply is about to do: the manifest for its journal, the old bytes and the new ones, in one order."""

    manifest: Manifest
    before: tuple[bytes | None, ...]
    after: tuple[bytes | None, ...]


def intend(
    tree: Tree, before: Mapping[str, Content | None], after: Files, executable: Collection[str], **about: str
) -> Intent:
    """The change from `before` (as read from `tree`) to `after`; `about` is the manifest's workspace and trace."""
    gone = [(old.mode, _lines(old.data)) for path, old in before.items() if old and after.get(path, b"") is None]
    changes = []
    for path, content in after.items():
        old = before[path]
        moved = _moved_from(gone, content) if old is None and content else None
        mode = moved if moved is not None else _EXECUTABLE if path in executable else _PLAIN
        owner = (old.mode, old.uid, old.gid, old.attributes) if old else (mode, -1, -1, {})
        changes.append(Change(path, hash_of(data_of(old)), hash_of(content), *owner))
    directories = {folder: tree.mode_of_directory(folder) for folder in _above(after)}
    manifest = Manifest(at=time.time(), changes=tuple(changes), directories=directories, **about)
    old_bytes = tuple(data_of(before[path]) for path in after)
    return Intent(manifest, old_bytes, tuple(after.values()))


def write(journal: Journal, tree: Tree, after: tuple[bytes | None, ...]) -> Iterator[str]:
    """Make the files what they are to be, in steps; directories that this empties are taken away.

    ApplyError where one is not what the journal says it was, or cannot be written."""
    manifest = journal.manifest
    for folder in _outermost_first(manifest.directories):
        if manifest.directories[folder] is None:
            tree.make_directory(folder)
            yield f"made {folder}"
    for position, (change, data) in enumerate(zip(manifest.changes, after, strict=True)):
        if data is None:
            tree.remove(change.path, over=(change.before,))
        else:
            tree.place(change.path, _new(change, data), _spare(journal, position), over=(change.before,))
        yield f"wrote {change.path}"
    for folder in _innermost_first(_above(c.path for c in manifest.changes if c.after is None)):
        tree.remove_directory(folder)
        yield f"cleared {folder}"


def restore(journal: Journal, tree: Tree) -> Iterator[str]:
    """Make the files what they were, in steps; what is so already stays. ApplyError, with nothing written, where
    one is neither what it was nor what the apply made of it."""
    refuse_changed(journal, tree, "was changed since; it is left as it is, and so are the others")
    old = [journal.before(n) if c.before else None for n, c in enumerate(journal.manifest.changes)]
    directories = journal.manifest.directories
    for folder in _outermost_first(directories):
        if directories[folder] is not None:
            tree.make_directory(folder, directories[folder])
            yield f"made {folder}"
    for position, (change, data) in enumerate(zip(journal.manifest.changes, old, strict=True)):
        _restore(tree, change, data, _spare(journal, position))
        yield f"restored {change.path}"
    for folder in _innermost_first(directories):
        if directories[folder] is None:
            tree.remove_directory(folder)
            yield f"cleared {folder}"


def refuse_changed(journal: Journal, tree: Tree, words: str, only_after: bool = False) -> None:
    """ApplyError with the files that hold something else than the apply's before or (`only_after`) after."""
    changed = []
    for change in journal.manifest.changes:
        found = tree.read(change.path)
        allowed = (change.after,) if only_after else (change.before, change.after)
        if hash_of(data_of(found)) not in allowed:
            changed.append(change.path)
    if changed:
        raise ApplyError(f"{', '.join(changed)} {words}")


def _restore(tree: Tree, change: Change, data: bytes | None, spare: str) -> None:
    folder = change.path.rpartition("/")[0]
    tree.remove(f"{folder}/{spare}" if folder else spare)
    found = tree.read(change.path)
    same = hash_of(data_of(found)) == change.before
    if data is None and not same:
        tree.remove(change.path, over=(change.after,))
    elif data is not None and not (same and found and found.mode == change.mode):
        content = Content(data, change.mode, True, change.uid, change.gid, change.attributes)
        tree.place(change.path, content, spare, over=(change.before, change.after))


def _new(change: Change, data: bytes) -> Content:
    mode, exact = change.mode & _PERMISSIONS, change.before is not None
    return Content(data, mode, exact, change.uid, change.gid, change.attributes)


def _moved_from(gone: Iterable[tuple[int, Counter[bytes]]], data: bytes) -> int | None:
    """The permissions of what this new file was before it was moved: one that goes and has at least half of its
    lines. What nobody else could read must not be open to all under its new name."""
    lines = _lines(data)
    alike = [((lines & other).total(), mode) for mode, other in gone]
    most, mode = max(alike, key=lambda pair: pair[0], default=(0, 0))
    return mode & _PERMISSIONS if most and 2 * most >= lines.total() else None


def _lines(data: bytes) -> Counter[bytes]:
    return Counter(data.splitlines())


def _spare(journal: Journal, position: int) -> str:
    """The name of a file on its way. Nobody else can have one like it: what a crash left can be removed."""
    return f".torre-{journal.id}-{position}"


def _above(paths: Iterable[str]) -> set[str]:
    return {str(folder) for path in paths for folder in list(PurePosixPath(path).parents)[:-1]}


def _outermost_first(folders: Iterable[str]) -> list[str]:
    return sorted(folders, key=lambda folder: folder.count("/"))


def _innermost_first(folders: Iterable[str]) -> list[str]:
    return sorted(folders, key=lambda folder: folder.count("/"), reverse=True)
