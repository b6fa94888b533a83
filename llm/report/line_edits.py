"""A diff as replacements of whole lines, the form in which editors and reviews take a suggestion. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm.workspace.diff import FilePatch, Hunk, parse


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines `first` to `last` of `path` (from 1, both included) become `text`, which has no newline at its end."""

    path: str
    first: int
    last: int
    text: str


@dataclass(slots=True)
class _Open:
    """An edit that is still being read: the old lines it takes up, and the new ones."""

    first: int
    old: list[str]
    new: list[str]


def line_edits(diff: str) -> tuple[LineEdit, ...]:
    """The edits that are together the whole diff; none at all where lines cannot say it: a new, deleted or renamed
    file, an emptied one, a changed mode or end of file. A part of a proof proves nothing."""
    files = parse(diff).files if diff else ()
    if not all(_is_said_by_lines(file) for file in files):
        return ()
    found = [edit for file in files for hunk in file.hunks for edit in _edits(file.new_path, hunk)]
    return tuple(edit for edit in found if edit) if all(found) else ()


def _is_said_by_lines(file: FilePatch) -> bool:
    ends = ([line.endswith("\n") for line in hunk.side(tags)[-1:]] for hunk in file.hunks for tags in (" -", " +"))
    return file.kind == "modify" and file.old_mode == file.new_mode and all(end != [False] for end in ends)


def _edits(path: str, hunk: Hunk) -> Iterator[LineEdit | None]:
    """One edit for each run of changed lines. Where lines are only added or only removed, a line of the context
    joins in: a suggestion has to stand on some line. None where there is no such line."""
    for block, before, after in _blocks(hunk):
        if not (block.old and block.new) and before is not None:
            block = _Open(block.first - 1, [before, *block.old], [before, *block.new])
        elif not (block.old and block.new) and after is not None:
            block = _Open(block.first, [*block.old, after], [*block.new, after])
        if not (block.old and block.new):
            yield None
            continue
        yield LineEdit(path, block.first, block.first + len(block.old) - 1, "".join(block.new).removesuffix("\n"))


def _blocks(hunk: Hunk) -> Iterator[tuple[_Open, str | None, str | None]]:
    """Each run of changed lines with the context line before and after it, if the hunk has one."""
    number, before, block = hunk.old_start or 1, None, None
    for line in hunk.lines:
        tag, text = line[0], line[1:]
        if tag == " ":
            if block:
                yield block, before, text
                block = None
            before = text
        else:
            block = block or _Open(number, [], [])
            (block.old if tag == "-" else block.new).append(text)
        number += tag != "+"
    if block:
        yield block, before, None
