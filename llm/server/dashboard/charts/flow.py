"""Who was asked after whom: ribbons from the lanes that gave up to those that were asked next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llm.server.dashboard.charts.svg import Words, frame, linked, percent, series, stretched, tag

_UNIT = 150.0
_GAP = 34.0
_LEFT, _RIGHT = 0.0, 99.0
_BLOCK = 1.0
_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Ribbon:
    """So many times after `start` came `end`."""

    start: str
    end: str
    count: int
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class _Block:
    top: float
    height: float
    count: int


def flow(words: Words, ribbons: Sequence[Ribbon]) -> Markup:
    """The ribbons, the widest first."""
    ordered = sorted(ribbons, key=lambda ribbon: -ribbon.count)
    unit = _UNIT / max(1, sum(ribbon.count for ribbon in ordered))
    starts = _blocks(((ribbon.start, ribbon.count) for ribbon in ordered), unit)
    ends = _blocks(((ribbon.end, ribbon.count) for ribbon in ordered), unit)
    height = max(sum(block.height + _GAP for block in side.values()) for side in (starts, ends))
    colours = {name: series(number) for number, name in enumerate(starts)}
    return frame(
        words,
        height,
        stretched(height, *_shapes(ordered, starts, ends, unit, colours)),
        *_names(starts, 0.0, "start"),
        *_names(ends, 100.0, "end"),
        below=4,
    )


def _blocks(counts: Iterable[tuple[str, int]], unit: float) -> dict[str, _Block]:
    sums: dict[str, int] = defaultdict(int)
    for name, number in counts:
        sums[name] += number
    placed, top = {}, 20.0
    for name, number in sums.items():
        placed[name] = _Block(top, max(_LEAST, number * unit), number)
        top += placed[name].height + _GAP
    return placed


def _shapes(
    ribbons: Sequence[Ribbon],
    starts: Mapping[str, _Block],
    ends: Mapping[str, _Block],
    unit: float,
    colours: Mapping[str, str],
) -> list[Markup]:
    shapes = []
    leaving = {name: block.top for name, block in starts.items()}
    coming = {name: block.top for name, block in ends.items()}
    for ribbon in ribbons:
        thick = max(_LEAST, ribbon.count * unit)
        path = _ribbon(leaving[ribbon.start], coming[ribbon.end], thick)
        colour = colours[ribbon.start]
        shapes.append(linked(ribbon.href, ribbon.words, tag("path", d=path, class_=f"ribbon {colour}")))
        leaving[ribbon.start] += thick
        coming[ribbon.end] += thick
    for block, left, colour in (
        *((block, _LEFT, colours[name]) for name, block in starts.items()),
        *((block, _RIGHT, colours.get(name, series(99))) for name, block in ends.items()),
    ):
        shapes.append(tag("rect", x=left, y=block.top, width=_BLOCK, height=block.height, class_=f"bar {colour}"))
    return shapes


def _ribbon(left: float, right: float, thick: float) -> str:
    begin, end = _LEFT + _BLOCK, _RIGHT
    return (
        f"M{begin} {left:.2f} C50 {left:.2f} 50 {right:.2f} {end} {right:.2f} "
        f"L{end} {right + thick:.2f} C50 {right + thick:.2f} 50 {left + thick:.2f} {begin} {left + thick:.2f} Z"
    )


def _names(blocks: Mapping[str, _Block], place: float, anchor: str) -> list[Markup]:
    return [
        tag(
            "text",
            f"{name} · {block.count:,}",
            x=percent(place),
            y=block.top - 6,
            text_anchor=anchor,
            class_="note",
        )
        for name, block in blocks.items()
    ]
