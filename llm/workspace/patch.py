"""Apply a diff to a workspace without touching it: what its files would hold afterwards, byte by byte.

First the hunks are placed exactly, in memory: at their lines, or at the only place that fits. What does not fit
is compared without BOM, line-ending style, last newline and trailing blanks, then handed to `git apply`,
which forgives drift.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from llm.workspace.diff import FilePatch, Hunk, Patch, make_diff, parse
from llm.workspace.mend import invalid
from llm.workspace.paths import read

_BOM = "\ufeff"
_MOST_COMPARISONS = 10_000_000
"""Lines to compare for all hunks of a diff that are not where they say; beyond it files of equal lines, or
thousands of hunks that were moved, would cost minutes."""


class _Effort:
    """What may still be spent on looking for hunks."""

    def __init__(self) -> None:
        self._left = _MOST_COMPARISONS

    def spend(self, lines: int) -> bool:
        """Whether so many may still be compared."""
        self._left -= lines
        return self._left >= 0


def apply(
    diff: str | Patch, workspace: Path, layer: Mapping[str, bytes | None] = MappingProxyType({})
) -> Mapping[str, bytes | None]:
    """The files that `diff` changes, as they would be after it; None is a file that is gone.

    `layer` are files that count as changed already: the diff is read against them instead of the disk's.
    DiffError: what `parse` refuses; PATH_ESCAPE for a path that leaves the workspace; INVALID_DIFF where a hunk
    does not fit, a file is missing or in the way, or nothing changes. Line endings, BOM and bytes that are not
    UTF-8 stay as they are.
    """
    patch = parse(diff) if isinstance(diff, str) else diff
    before: dict[str, bytes | None] = {}
    after: dict[str, bytes | None] = {}
    effort = _Effort()
    for file in patch.files:
        for path in file.paths:
            before.setdefault(path, layer[path] if path in layer else read(path, workspace))
            after.setdefault(path, before[path])
        _apply_file(file, after, effort)
    changed = {path: content for path, content in after.items() if content != before[path]}
    if not changed:
        raise invalid("it changes nothing")
    _refuse_collisions(changed, workspace)
    return changed


def rendered(after: Mapping[str, bytes | None], workspace: Path, executable: Collection[str] = ()) -> str:
    """The clean diff from the workspace to `after` (see `apply`), for a user to see and `git apply` to accept."""
    before = {path: _text(read(path, workspace)) for path in after}
    return make_diff(before, {path: _text(content) for path, content in after.items()}, executable)


def executables(patch: Patch, workspace: Path) -> frozenset[str]:
    """The files of the result that are new and carry the x bit: so added, or renamed from one that has it."""
    added = {f.new_path for f in patch.files if f.kind == "add" and f.new_mode == "100755"}
    renamed = {
        f.new_path for f in patch.files if f.kind == "rename" and os.access(workspace / f.old_path, os.X_OK)
    }
    return frozenset(added | renamed)


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _apply_file(file: FilePatch, files: dict[str, bytes | None], effort: _Effort) -> None:
    """One file of the diff, done to `files`: later ones see what earlier ones did."""
    source = file.old_path or file.new_path
    content = files[source]
    if file.kind == "add" and content is not None:
        raise invalid(f"{source!r} is to be added and exists")
    if file.kind != "add" and content is None:
        raise invalid(f"there is no file {source!r}")
    if file.kind == "rename" and files[file.new_path] is not None:
        raise invalid(f"{file.new_path!r} is in the way of a rename")
    result = _changed(file, content or b"", effort)
    if file.kind == "delete" and result:
        raise invalid(f"{source!r} is deleted, but the diff leaves some of it")
    files[source] = None
    if file.new_path:
        files[file.new_path] = result


def _changed(file: FilePatch, content: bytes, effort: _Effort) -> bytes:
    if b"\0" in content:
        raise invalid(f"{file.old_path!r} is binary")
    if not file.hunks:
        return content
    text = content.decode("utf-8", "surrogateescape")
    result = _placed(_lines(text), file.hunks, effort)
    if result is None:
        result = _forgiven(text, file.hunks, effort)
    if result is None:
        raise invalid(f"a hunk does not fit {file.old_path or file.new_path!r}")
    return result.encode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _placed(
    lines: list[str], hunks: Sequence[Hunk], effort: _Effort, key: Callable[[str], str] = str
) -> str | None:
    """The text after the hunks, each where its lines stand; None where one stands nowhere or in many places.

    Lines are equal if their `key`s are; those of the context stay as the file has them.
    """
    keys = list(map(key, lines))
    result: list[str] = []
    at = drift = 0
    for hunk in hunks:
        old = list(map(key, hunk.side(" -")))
        stated = hunk.old_start - bool(old) if lines else 0
        place = _place(keys, old, at, stated + drift, effort)
        if place is None or (drift and not old):
            return None
        result += [*lines[at:place], *_woven(hunk, lines, place)]
        at, drift = place + len(old), place - stated
    return "".join([*result, *lines[at:]])


def _woven(hunk: Hunk, lines: list[str], at: int) -> Iterator[str]:
    for line in hunk.lines:
        if line[0] == "+":
            yield line[1:]
            continue
        if line[0] == " ":
            yield lines[at]
        at += 1


def _place(lines: list[str], old: list[str], least: int, stated: int, effort: _Effort) -> int | None:
    if least <= stated <= len(lines) and lines[stated : stated + len(old)] == old:
        return stated
    if not old or not effort.spend(len(lines) - least):
        return None
    starts = [i for i in range(least, len(lines) - len(old) + 1) if lines[i] == old[0]]
    if not effort.spend(len(starts) * len(old)):
        return None
    places = [i for i in starts if lines[i : i + len(old)] == old]
    return places[0] if len(places) == 1 else None


def _forgiven(text: str, hunks: Sequence[Hunk], effort: _Effort) -> str | None:
    """As `_placed`, with what transports and models lose put aside: BOM, CRLF and the last newline."""
    bom, plain = text.startswith(_BOM), text.removeprefix(_BOM)
    crlf = "\r\n" in plain and plain.count("\n") == plain.count("\r\n")
    mixed = "\r\n" in plain and not crlf
    unfinished = bool(plain) and not plain.endswith("\n")
    base = (plain.replace("\r\n", "\n") if crlf else plain) + ("\n" if unfinished else "")
    fitted = [_plain(hunk, mixed) for hunk in hunks]
    result = _placed(_lines(base), fitted, effort, str.rstrip)
    if result is None:
        result = _by_git(base, fitted)
    if result is None:
        return None
    if unfinished:
        result = result.removesuffix("\n")
    return (_BOM if bom else "") + (result.replace("\n", "\r\n") if crlf else result)


def _plain(hunk: Hunk, keep_cr: bool) -> Hunk:
    ends = "\n" if keep_cr else "\r\n"
    lines = (line[0] + line[1:].removeprefix(_BOM).rstrip(ends) + "\n" for line in hunk.lines)
    return replace(hunk, lines=tuple(lines))


def _by_git(text: str, hunks: Sequence[Hunk]) -> str | None:
    if text.count("\n") * sum(len(hunk.lines) for hunk in hunks) > 10 * _MOST_COMPARISONS:
        return None
    from llm.workspace import git

    wanted = "".join(map(str, hunks)).encode("utf-8", "surrogateescape")
    result = git.apply_forgiving(wanted, text.encode("utf-8", "surrogateescape"))
    return None if result is None else result.decode("utf-8", "surrogateescape")


def _refuse_collisions(after: Mapping[str, bytes | None], workspace: Path) -> None:
    """No path may need a directory where a file is, or a file where a directory is."""
    for path, content in after.items():
        if content is None:
            continue
        for parent in list(Path(path).parents)[:-1]:
            if after.get(parent.as_posix()) is not None or Path(workspace, parent).is_file():
                raise invalid(f"{path!r} lies under {parent.as_posix()!r}, which is a file")
