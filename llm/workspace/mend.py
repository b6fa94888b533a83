"""Diffs as people and models write them → sections whose hunks have true counts.

Mended are: prose and Markdown fences around the diff, CRLF put on by a transport, a missing last newline, blank
context lines that lost their space, and wrong counts. Refused is what cannot be told: a hunk header without
ranges, binary patches, a hunk of no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm.domain import DiscardReason
from llm.errors import DiffError

_RANGES = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_TRANSPORTED = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@[^\n]*\r$", re.MULTILINE)
_BINARY = re.compile(r"GIT binary patch|Binary files? .* (?:differ|has changed)$")
_EXTENDED = re.compile(
    r"(?:old mode|new mode|new file mode|deleted file mode|index|similarity index|dissimilarity index"
    r"|rename from|rename to|copy from|copy to) "
)
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Section:
    """One file of a diff: its header lines as written, and its hunks, well-formed (lines end in `\\n`)."""

    headers: tuple[str, ...]
    hunks: tuple[str, ...]


def sections(text: str) -> Iterator[Section]:
    """The files of a diff in order. DiffError(INVALID_DIFF) for what is refused; no section where none is."""
    lines = _lines(text)
    headers: list[str] = []
    hunks: list[str] = []
    at = 0
    while at < len(lines):
        if lines[at].startswith("@@"):
            if not headers:
                raise invalid("a hunk comes before any file is named")
            hunk, at = _hunk(lines, at)
            hunks.extend(hunk)
            continue
        starts, taken = _header(lines, at, in_git=not hunks and _awaits_names(headers))
        if starts and headers:
            yield Section(tuple(headers), tuple(hunks))
            headers, hunks = [], []
        headers.extend(lines[at : at + taken])
        at += taken or 1
    if headers:
        yield Section(tuple(headers), tuple(hunks))


def invalid(message: str) -> DiffError:
    """A DiffError for a diff that does not parse or apply."""
    return DiffError(DiscardReason.INVALID_DIFF, message)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if _TRANSPORTED.search(text) else lines


def _header(lines: Sequence[str], at: int, in_git: bool) -> tuple[bool, int]:
    """Whether a new file starts at `at`, and how many header lines stand there (0: prose).

    `in_git`: a git header has begun and names no files yet, so that `---` and `+++` belong to it.
    """
    line = lines[at]
    if _BINARY.match(line):
        raise invalid("a binary patch")
    if line.startswith("diff --git "):
        return True, 1
    if _names_file(lines, at):
        return not in_git, 2
    return False, int(in_git and bool(_EXTENDED.match(line)))


def _awaits_names(headers: Sequence[str]) -> bool:
    return bool(headers) and headers[0].startswith("diff --git ") and not headers[-1].startswith("+++ ")


def _names_file(lines: Sequence[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _hunk(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """The hunk whose header is `lines[at]`, with true counts, and the index of the line after it."""
    ranges = _RANGES.match(lines[at])
    if not ranges:
        raise invalid(f"line {at + 1} is a hunk header without line numbers")
    old, old_count, new, new_count, tail = ranges.groups()
    end = _end_by_counts(lines, at + 1, int(old_count or 1), int(new_count or 1))
    if end is None:
        end = _end_by_shape(lines, at + 1)
    body = [line or " " for line in lines[at + 1 : end]]
    olds, news = (sum(line[0] in tags for line in body) for tags in (" -", " +"))
    if not body:
        raise invalid(f"line {at + 1} is a hunk header without a hunk")
    marked = [_NO_NEWLINE if line[0] == "\\" else line for line in body]
    return [f"{line}\n" for line in (f"@@ -{old},{olds} +{new},{news} @@{tail}", *marked)], end


def _end_by_counts(lines: Sequence[str], at: int, old: int, new: int) -> int | None:
    """Where the hunk ends if its counts are right, else None."""
    while at < len(lines) and (old > 0 or new > 0):
        tag = lines[at][:1] or " "
        if tag not in " +-\\":
            return None
        old -= tag in " -"
        new -= tag in " +"
        at += 1
    if at < len(lines) and lines[at].startswith("\\"):
        at += 1
    more = at < len(lines) and lines[at][:1] in (" ", "+", "-") and lines[at] != "-- "
    return None if old or new or (more and not _names_file(lines, at)) else at


def _end_by_shape(lines: Sequence[str], start: int) -> int:
    """Where the hunk ends by the look of its lines: its counts are wrong."""
    at = start
    while at < len(lines) and lines[at][:1] in ("", " ", "+", "-", "\\"):
        if _names_file(lines, at) and (at + 2 >= len(lines) or lines[at + 2].startswith("@@")):
            break
        at += 1
    if at < len(lines) and lines[at - 1] and not lines[at].startswith(("@@", "diff --git ", "--- ", "```")):
        raise invalid(f"line {at + 1} is no line of a hunk, and the hunk's counts are wrong")
    while at > start and lines[at - 1] == "":
        at -= 1
    return at
