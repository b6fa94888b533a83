"""Long texts, cut to what fits: the first and the last errors of an output, the lines around a diagnostic."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

_ERROR = re.compile(r"error|fail|exception|traceback|panic|cannot|undefined|expected", re.IGNORECASE)
_LONGEST_LINE = 2_000
_HEAD = 12
"""Lines at the top of a file that are always shown: its imports."""
_MARK_CHARS = 30
_MOST_CENTRES = 50


def left_out(lines: int) -> str:
    """The line that stands for lines that are not shown; an answer that holds it is refused."""
    return f"[… {lines} line{'s' if lines > 1 else ''} left out …]"


def first_and_last(text: str, limit: int) -> str:
    """At most `limit` characters of an output: from the first line that tells of an error, and up to the end."""
    if len(text) <= limit:
        return text
    lines = [_cut(line) for line in text.split("\n")]
    begin = next((at for at, line in enumerate(lines) if _ERROR.search(line)), 0)
    room = max(0, limit - 2 * _MARK_CHARS)
    head = _fitting(lines[begin:], room // 2)
    tail = _fitting(reversed(lines[begin + head :]), room - room // 2)
    return "\n".join(_joined(lines, {*range(begin, begin + head), *range(len(lines) - tail, len(lines))}))


def around(text: str, wanted: Collection[int], limit: int) -> str:
    """About `limit` characters of a file: its top, and as much around the `wanted` lines (from 1) as fits."""
    lines = text.split("\n")
    centres = sorted(line - 1 for line in wanted if 0 < line <= len(lines))[:_MOST_CENTRES]
    if not centres:
        shown = set(range(_fitting(lines, limit - _MARK_CHARS)))
        return "\n".join(_joined(lines, shown))
    low, high = 0, len(lines)
    while low < high:
        radius = (low + high + 1) // 2
        cost = sum(len(lines[at]) + 1 for at in _within(centres, radius, len(lines))) + _MARK_CHARS * len(centres)
        low, high = (radius, high) if cost <= limit else (low, radius - 1)
    return "\n".join(_joined(lines, _within(centres, low, len(lines))))


def _within(centres: Iterable[int], radius: int, count: int) -> set[int]:
    """Lines no further than `radius` from a centre, and the top of the file in proportion."""
    near = {at for centre in centres for at in range(max(0, centre - radius), min(count, centre + radius + 1))}
    return near | set(range(min(_HEAD, radius, count)))


def _fitting(lines: Iterable[str], limit: int) -> int:
    """How many of the first lines have at most `limit` characters together."""
    count = used = 0
    for line in lines:
        used += len(line) + 1
        if used > limit:
            break
        count += 1
    return count


def _joined(lines: list[str], shown: set[int]) -> Iterator[str]:
    gap = 0
    for at, line in enumerate(lines):
        if at in shown:
            yield from [left_out(gap)] if gap else []
            gap = 0
            yield line
        else:
            gap += 1
    yield from [left_out(gap)] if gap else []


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} […]"
