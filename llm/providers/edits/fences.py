"""Markdown fences in an answer, nested and unclosed ones too. One pass over the lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from llm.providers.edits.base import AnswerError, Defect

_MOST_MARKS = 5_000
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})([^`]*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """`lines[start]` opens it, `lines[end]` is the first after it. `body` is without the fence's indentation."""

    info: str
    body: tuple[str, ...]
    start: int
    end: int
    closed: bool

    @property
    def language(self) -> str:
        """The info string's first word, in lower case."""
        words = self.info.replace(":", " ").replace("{", " ").split()
        return words[0].lower() if words else ""


@dataclass(frozen=True, slots=True)
class _Opening:
    at: int
    indent: str
    marks: str
    info: str

    def closes(self, opening: _Opening) -> bool:
        """Whether this line, taken as a fence, ends the one that `opening` began."""
        return not self.info and self._goes_with(opening)

    def nests_in(self, opening: _Opening) -> bool:
        return bool(self.info) and self._goes_with(opening)

    def _goes_with(self, opening: _Opening) -> bool:
        """Deeper lines and shorter fences are content: docstrings are full of them."""
        return self.marks.startswith(opening.marks) and len(self.indent) <= len(opening.indent)


def fences(lines: Sequence[str]) -> list[Fence]:
    """The outermost fences in order. One that never closes ends before the next, or with the text.

    AnswerError(TOO_LARGE) beyond 5,000 lines that open or close one.
    """
    pairs: list[tuple[_Opening, int]] = []
    open_now: list[_Opening] = []
    marks = list(islice(_marks(lines), _MOST_MARKS + 1))
    if len(marks) > _MOST_MARKS:
        raise AnswerError(Defect.TOO_LARGE, f"more than {_MOST_MARKS} lines that open or close a fence")
    for mark in marks:
        if open_now and mark.closes(open_now[-1]):
            pairs.append((open_now.pop(), mark.at))
        elif not open_now or mark.nests_in(open_now[-1]):
            open_now.append(mark)
    ends = {opening: (end, True) for opening, end in pairs} | {
        opening: (len(lines), False) for opening in open_now
    }
    return list(_outermost(lines, ends))


def _marks(lines: Sequence[str]) -> Iterator[_Opening]:
    for at, line in enumerate(lines):
        if ("```" in line or "~~~" in line) and (found := _FENCE.match(line)):
            yield _Opening(at, found[1], found[2], found[3].strip())


def _outermost(lines: Sequence[str], ends: dict[_Opening, tuple[int, bool]]) -> Iterator[Fence]:
    openings = sorted(ends, key=lambda opening: opening.at)
    free = 0
    for index, opening in enumerate(openings):
        end, closed = ends[opening]
        if opening.at < free:
            continue
        if not closed and index + 1 < len(openings):
            end = openings[index + 1].at
        free = end
        body = tuple(line.removeprefix(opening.indent) for line in lines[opening.at + 1 : end])
        yield Fence(opening.info, body, opening.at, end + closed, closed)
