"""Answers as unified diffs, fenced or bare, with wrong line numbers, without them, or without file headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.providers.edits.base import AnswerError, Changed, Defect, Files, quoted, refuse_too_many
from llm.providers.edits.fences import Fence, fences
from llm.providers.edits.matching import Placer
from llm.providers.edits.names import label_above, label_in_info, resolve
from llm.workspace.diff import FilePatch, Hunk, parse

_RANGES = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})? @@")
_NOWHERE = 999_999_999
_NO_RANGES = f"@@ -{_NOWHERE},{_NOWHERE} +{_NOWHERE},{_NOWHERE} @@"
"""Counts that are wrong for certain, so that a hunk ends by its shape."""
_DIFFS = frozenset({"diff", "patch", "udiff"})
_FILE_WORDS = ("diff --git ", "Index: ")
_REASONS = {DiscardReason.TOO_LARGE: Defect.TOO_LARGE, DiscardReason.PATH_ESCAPE: Defect.BAD_PATH}


def read(lines: Sequence[str], files: Files) -> Changed | None:
    """The files after the diff. AnswerError: MALFORMED, UNKNOWN_FILE and what a `Placer` raises."""
    diff = "\n".join(_mended(lines, files))
    if not diff.strip():
        return None
    try:
        patch = parse(diff + "\n")
    except DiffError as error:
        raise AnswerError(_REASONS.get(error.reason, Defect.MALFORMED), str(error)) from error
    refuse_too_many(sum(len(file.hunks) for file in patch.files))
    changed: Changed = {}
    placer = Placer()
    for file in patch.files:
        _apply(file, {**files, **changed}, changed, placer)
    return changed


def _mended(lines: Sequence[str], files: Files) -> Iterator[str]:
    """The diffs of the answer, each complete enough for `parse`; nothing where there are none."""
    fenced = fences(lines)
    diffs = [fence for fence in fenced if _is_diff(fence)]
    refuse_too_many(len(diffs))
    if not diffs:
        in_code = {at for fence in fenced for at in range(fence.start, fence.end)}
        bare = [line for at, line in enumerate(lines) if at not in in_code]
        yield from _with_ranges(bare) if _begins_file(bare, range(len(bare))) else ()
    for index, fence in enumerate(diffs):
        least = diffs[index - 1].end if index else 0
        yield from _file_headers(lines, fence, least, files)
        yield from _with_ranges(_filled(fence.body))


def _is_diff(fence: Fence) -> bool:
    if fence.language in _DIFFS:
        return any(line.startswith(("@@", "+", "-", "diff --git ")) for line in fence.body)
    return _begins_file(fence.body, range(min(5, len(fence.body))))


def _begins_file(lines: Sequence[str], where: range) -> bool:
    return any(_names_files(lines, at) or lines[at].startswith("diff --git ") for at in where)


def _names_files(lines: Sequence[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _file_headers(lines: Sequence[str], fence: Fence, least: int, files: Files) -> Iterator[str]:
    """File headers for a diff that has none, from the label of its fence."""
    first = next((line for line in fence.body if line.strip()), "")
    if first.startswith(("--- ", *_FILE_WORDS)):
        return
    if first.startswith("+++ "):
        yield f"--- {first[4:]}"
        return
    named = label_in_info(fence.info, files) or label_above(lines, fence.start, least, files)
    if not named and len(files) != 1:
        raise AnswerError(Defect.NO_EDIT, "no path says which file a diff is for")
    path = resolve(named, files) if named else next(iter(files))
    yield from (f"--- a/{path}", f"+++ b/{path}")


def _with_ranges(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with hunk headers where they are missing or have no ranges."""
    named = False
    for line in lines:
        if line.startswith("@@"):
            yield line if _RANGES.match(line) else _NO_RANGES
        elif named and line[:1] in (" ", "+", "-"):
            yield from (_NO_RANGES, line)
        else:
            yield line
        named = line.startswith("+++ ")


def _filled(lines: Sequence[str]) -> Iterator[str]:
    """A fenced diff in which all that has lost its tag is context again, but for blank lines after a hunk."""
    in_hunk = False
    blanks = 0
    for at, line in enumerate(lines):
        if in_hunk and not line:
            blanks += 1
            continue
        header = line.startswith(_FILE_WORDS) or _names_files(lines, at)
        in_hunk = (in_hunk or line.startswith("@@")) and not header
        yield from [" "] * (blanks if in_hunk and not line.startswith("@@") else 0)
        blanks = 0
        yield f" {line}" if in_hunk and line[0] not in " +-\\@" else line
        in_hunk = in_hunk or (
            line.startswith("+++ ") and at + 1 < len(lines) and not lines[at + 1].startswith("@@")
        )


def _apply(file: FilePatch, now: Changed, changed: Changed, placer: Placer) -> None:
    old = resolve(file.old_path, now) if file.old_path and file.kind != "add" else ""
    new = old if file.kind in ("modify", "delete") else resolve(file.new_path, now)
    text = now.get(old or new)
    if old and text is None and any(hunk.side(" -") for hunk in file.hunks):
        raise AnswerError(Defect.UNKNOWN_FILE, f"there is no file {quoted(old)} to change")
    if file.kind == "add" and text:
        raise AnswerError(Defect.AMBIGUOUS, f"{quoted(new)} is added, and it exists")
    result = _patched(text or "", file.hunks, placer)
    if old:
        changed[old] = None
    if file.kind != "delete":
        changed[new] = result


def _patched(text: str, hunks: Sequence[Hunk], placer: Placer) -> str:
    lines = text.split("\n")
    drift = 0
    for hunk in hunks:
        old, new = _sides(hunk)
        stated = None if hunk.old_start == _NOWHERE else hunk.old_start + drift
        if not old and lines == [""]:
            lines = "".join(hunk.side("+")).split("\n")
        elif not old:
            _insert(lines, new, stated)
        elif old != new:
            spot = placer.place(lines, old, None if stated is None else stated - 1)
            lines[spot.start : spot.end] = spot.make(new)
        drift += len(new) - len(old)
    return "\n".join(lines)


def _insert(lines: list[str], new: list[str], stated: int | None) -> None:
    """A hunk without context goes after the line that its header names."""
    if stated is None:
        raise AnswerError(Defect.AMBIGUOUS, "a hunk that only adds does not say where")
    at = min(max(stated, 0), len(lines) - (lines[-1] == ""))
    lines[at:at] = new


def _sides(hunk: Hunk) -> tuple[list[str], list[str]]:
    """The lines before and after. Where one side has a last newline that the other lacks, it has a line more."""
    sides = hunk.side(" -"), hunk.side(" +")
    unfinished = [bool(side) and not side[-1].endswith("\n") for side in sides]
    old, new = ([line.removesuffix("\n") for line in side] for side in sides)
    if unfinished[0] and new and not unfinished[1]:
        new.append("")
    if unfinished[1] and old and not unfinished[0]:
        old.append("")
    return old, new
