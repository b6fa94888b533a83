"""Columns: stacked by day, or side by side as a histogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llm.server.dashboard.charts.svg import Axis, Words, bottom, frame, grid, linked, percent, tag

HEIGHT = 168.0
_SEAM = 1.0
"""Pixels between the parts of a column, so that colour alone does not part them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the x axis. `parts` are a colour's class and a value each, from below; `words` tell of all
    of it, `href` leads to its runs."""

    label: str
    parts: tuple[tuple[str, float], ...]
    words: str
    href: str

    @property
    def total(self) -> float:
        """How high it is."""
        return sum(value for _, value in self.parts)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line down through a histogram, at a place between 0 and 100."""

    place: float
    words: str


def bars(
    words: Words,
    columns: Sequence[Column],
    label: Callable[[float], str],
    gap: float = 0.22,
    marks: Sequence[Mark] = (),
    least: float = 0.0,
) -> Markup:
    """The columns over an axis whose ticks are told by `label`, and `least` or more apart; `gap` is the share of a
    column's place that is left free."""
    axis = Axis.up_to(max((column.total for column in columns), default=0), HEIGHT, least)
    wide = 100 / max(1, len(columns))
    middles = [wide * (number + 0.5) for number in range(len(columns))]
    return frame(
        words,
        HEIGHT,
        grid(axis, label),
        *(_column(axis, column, wide * number, wide, gap) for number, column in enumerate(columns)),
        *(_mark(mark) for mark in marks),
        bottom([column.label for column in columns], middles, HEIGHT + 18),
    )


def _column(axis: Axis, column: Column, left: float, wide: float, gap: float) -> Markup:
    parts = []
    below = 0.0
    for colour, value in column.parts:
        if value > 0:
            parts.append(_part(axis, colour, below, below + value, left + wide * gap / 2, wide * (1 - gap)))
            below += value
    hit = tag("rect", x=percent(left), y=0, width=percent(wide), height=axis.height, class_="hit")
    return linked(column.href, column.words, hit, *parts)


def _part(axis: Axis, colour: str, low: float, high: float, left: float, wide: float) -> Markup:
    upper, lower = axis.y(high), axis.y(low)
    height = max(1.0, lower - upper - (_SEAM if low else 0))
    return tag("rect", x=percent(left), y=upper, width=percent(wide), height=height, class_=f"bar {colour}")


def _mark(mark: Mark) -> Markup:
    x = percent(mark.place)
    line = tag("line", x1=x, x2=x, y1=0, y2=HEIGHT, class_="mark")
    anchor = "end" if mark.place > 80 else "start"
    text = tag("text", mark.words, x=x, dx=-5 if anchor == "end" else 5, y=-5, text_anchor=anchor, class_="note")
    return tag("g", line, text, aria_hidden="true")
