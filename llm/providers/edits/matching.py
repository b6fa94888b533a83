"""Where a block of lines stands in a file, as forgivingly as can be done without guessing.

In order: exactly; but for trailing blanks; under another indentation; with other blank lines; as a piece of one
line; at the only place that is nine tenths alike. The first that fits anywhere decides; two places are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from llm.providers.edits.base import AnswerError, Defect, quoted
from llm.providers.edits.indent import Shift, shift_between
from llm.triage.clean import strip_control

_ALIKE = 0.9
_MOST_COMPARISONS = 10_000_000
"""Lines to compare for one block; beyond it a file of equal lines would cost minutes."""
_MOST_WEAVING = 1_000_000
_BY_CHARACTERS = 4_000
"""A longer block is compared line by line, as comparing characters is quadratic."""
_SHORTEST_PIECE = 4
_SLACK = 3
"""Lines that a block may be longer or shorter than what it is meant to replace."""

Make = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Lines `start` to `end` of the file; `make` turns a replacement as a model wrote it into what comes there."""

    start: int
    end: int
    make: Make


class Placer:
    """Finds blocks for one answer, with one allowance of `effort` (compared characters) for all fuzzy searches."""

    def __init__(self, effort: int = 5_000_000) -> None:
        self._effort = effort

    def place(self, lines: list[str], old: list[str], near: int | None = None, after: int | None = None) -> Spot:
        """The place of `old`. Of several: the one nearest to line `near`, or the first from `after` on.

        AnswerError: NOT_FOUND, AMBIGUOUS.
        """
        for find in (_exact, _but_trailing_blanks, _indented, _but_blank_lines, _piece, self._fuzzy):
            if spots := find(lines, old):
                return _one(spots, old, near, after)
        shown = next((line for line in old if line.strip()), "")
        raise AnswerError(Defect.NOT_FOUND, f"the lines that begin with {quoted(shown)} are not in the file")

    def _fuzzy(self, lines: list[str], old: list[str]) -> list[Spot]:
        wanted = [line.strip() for line in old]
        text = "\n".join(wanted)
        plain = [line.strip() for line in lines]
        windows = list(_windows(plain, wanted))
        self._effort -= len(windows) * len(text)
        if self._effort < 0 or not text.strip():
            return []
        rated = [(_likeness(plain[i:j], wanted, text), i, j) for i, j in windows]
        best = _apart(sorted((each for each in rated if each[0] >= _ALIKE), reverse=True))
        return [_spot(lines, old, i, j, Shift.of(lines[i], old[0])) for _, i, j in best]


def _one(spots: list[Spot], old: list[str], near: int | None, after: int | None) -> Spot:
    if len(spots) == 1:
        return spots[0]
    if after is not None:
        later = [spot for spot in spots if spot.start >= after]
        return (later or spots)[0]
    if near is not None:
        ordered = sorted(spots, key=lambda spot: abs(spot.start - near))
        if abs(ordered[0].start - near) < abs(ordered[1].start - near):
            return ordered[0]
    where = quoted(next((line for line in old if line.strip()), ""))
    raise AnswerError(Defect.AMBIGUOUS, f"the lines that begin with {where} are in the file {len(spots)} times")


def _exact(lines: list[str], old: list[str]) -> list[Spot]:
    return [Spot(i, i + len(old), list) for i in _runs(lines, old)]


def _but_trailing_blanks(lines: list[str], old: list[str]) -> list[Spot]:
    plain, wanted = (_plain(each) for each in (lines, old))
    return [_spot(lines, old, i, i + len(old), Shift()) for i in _runs(plain, wanted)]


def _indented(lines: list[str], old: list[str]) -> list[Spot]:
    plain, wanted = ([line.strip() for line in _plain(each)] for each in (lines, old))
    found = ((i, shift_between(lines[i : i + len(old)], old)) for i in _runs(plain, wanted))
    return [_spot(lines, old, i, i + len(old), shift) for i, shift in found if shift]


def _but_blank_lines(lines: list[str], old: list[str]) -> list[Spot]:
    full = [i for i, line in enumerate(lines) if line.strip()]
    wanted = [line for line in old if line.strip()]
    spots = []
    for i in _runs([lines[at].strip() for at in full], [line.strip() for line in wanted]):
        at = full[i : i + len(wanted)]
        if shift := shift_between([lines[each] for each in at], wanted):
            spots.append(_spot(lines, old, at[0], at[-1] + 1, shift))
    return spots


def _piece(lines: list[str], old: list[str]) -> list[Spot]:
    """A block of one line that is only a part of one line of the file."""
    piece = old[0]
    if len(old) > 1 or len(piece.strip()) < _SHORTEST_PIECE:
        return []
    at = [i for i, line in enumerate(lines) if piece in line]
    if len(at) != 1 or lines[at[0]].count(piece) != 1:
        return []
    whole = lines[at[0]]
    return [Spot(at[0], at[0] + 1, lambda new: whole.replace(piece, "\n".join(new)).split("\n"))]


def _plain(lines: Sequence[str]) -> list[str]:
    """As a model has seen the lines: without control characters; and without trailing blanks."""
    if all(line.isprintable() for line in lines):
        return [line.rstrip() for line in lines]
    return [line.rstrip() if line.isprintable() else strip_control(line).rstrip() for line in lines]


def _runs(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where `wanted` stands in `lines`, without overlaps."""
    if not wanted:
        return []
    starts = [i for i in range(len(lines) - len(wanted) + 1) if lines[i] == wanted[0]]
    if len(starts) * len(wanted) > _MOST_COMPARISONS:
        return []
    found: list[int] = []
    for i in starts:
        if (not found or i >= found[-1] + len(wanted)) and lines[i : i + len(wanted)] == wanted:
            found.append(i)
    return found


def _spot(lines: list[str], old: list[str], start: int, end: int, shift: Shift) -> Spot:
    found = lines[start:end]
    carriage = "\r" if found[0].endswith("\r") else ""

    def make(new: Sequence[str]) -> list[str]:
        if len(old) * max(len(old), len(new)) <= _MOST_WEAVING and _aligned(found, old):
            return list(_woven(found, old, new, lambda line: shift.applied(line) + carriage))
        return [shift.applied(line) + carriage for line in _without_blank_ends(new)]

    return Spot(start, end, make)


def _woven(found: list[str], old: list[str], new: Sequence[str], write: Callable[[str], str]) -> Iterator[str]:
    """The replacement, in which what the model left as it was stays as the file has it."""
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield from found[i:j] if tag == "equal" else map(write, new[k:m])


def _aligned(found: list[str], old: list[str]) -> bool:
    """Whether each line of `old` stands for the line of `found` with the same number."""
    plain, wanted = ([line.strip() for line in each] for each in (found, old))
    codes = SequenceMatcher(None, plain, wanted, autojunk=False).get_opcodes()
    return all(j - i == m - k for _, i, j, k, m in codes)


def _without_blank_ends(lines: Sequence[str]) -> Sequence[str]:
    full = [i for i, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1] if full else []


def _windows(lines: list[str], wanted: list[str]) -> Iterator[tuple[int, int]]:
    """Stretches of about the length that is wanted. Where that is more than three lines, half must be the same."""
    size = len(wanted)
    slack = min(_SLACK, size // 8)
    words = set(wanted)
    shared = [0, *accumulate(line in words for line in lines)]
    for length in range(size - slack, size + slack + 1):
        for i in range(len(lines) - length + 1):
            if size <= 3 or 2 * (shared[i + length] - shared[i]) >= size:
                yield i, i + length


def _likeness(window: list[str], wanted: list[str], text: str) -> float:
    if len(text) > _BY_CHARACTERS:
        return SequenceMatcher(None, window, wanted, autojunk=False).ratio()
    matcher = SequenceMatcher(None, "\n".join(window), text, autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0.0
    return matcher.ratio()


def _apart(rated: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """The best, and the next that does not overlap it: a second one is one too many."""
    kept: list[tuple[float, int, int]] = []
    for each in rated:
        if len(kept) < 2 and all(each[2] <= i or each[1] >= j for _, i, j in kept):
            kept.append(each)
    return kept
