"""Points with an interval each: what something costs against how often it works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llm.server.dashboard.charts.svg import Axis, Words, bottom, frame, grid, linked, percent, series, tag

HEIGHT = 260.0
_LINE = 15.0
"""Pixels from one name to the next."""
_LETTER = 1.8
"""Per cent of the width that a letter takes, more or less."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One point. `y`, `low` and `high` are shares of 1; `colour` is the number of a series."""

    name: str
    x: float
    y: float
    low: float
    high: float
    words: str
    href: str
    colour: int = 0


def scatter(words: Words, spots: Sequence[Spot], x_label: Callable[[float], str]) -> Markup:
    """The spots; upwards is the share, to the right what it costs."""
    up = Axis.up_to(1.0, HEIGHT)
    along = Axis.up_to(max((spot.x for spot in spots), default=0), HEIGHT)
    names = _apart(up, along, spots)
    return frame(
        words,
        HEIGHT,
        grid(up, lambda share: f"{share:.0%}"),
        *(_spot(up, along, spot, name) for spot, name in zip(spots, names, strict=True)),
        bottom([x_label(tick) for tick in along.ticks], [along.share(tick) for tick in along.ticks], HEIGHT + 18),
    )


def _apart(up: Axis, along: Axis, spots: Sequence[Spot]) -> list[float]:
    """Where names are written, in the order of their points: beside them, but never one over another."""
    placed: dict[int, tuple[float, float, float]] = {}
    for number in sorted(range(len(spots)), key=lambda number: -spots[number].y):
        spot = spots[number]
        x, y, wide = along.share(spot.x), up.y(spot.y), len(spot.name) * _LETTER
        left, right = (x - wide, x) if _is_late(x) else (x, x + wide)
        beside = sorted(other for begin, end, other in placed.values() if begin < right and left < end)
        for other in beside:
            if abs(other - y) < _LINE:
                y = other + _LINE
        placed[number] = (left, right, y)
    return [placed[number][2] for number in range(len(spots))]


def _is_late(x: float) -> bool:
    """Whether a name has its place left of its point."""
    return x > 60


def _spot(up: Axis, along: Axis, spot: Spot, name_y: float) -> Markup:
    x, y, colour = percent(along.share(spot.x)), up.y(spot.y), series(spot.colour)
    anchor, away = ("end", -10) if _is_late(along.share(spot.x)) else ("start", 10)
    point = linked(
        spot.href,
        spot.words,
        tag("line", x1=x, x2=x, y1=up.y(spot.high), y2=up.y(spot.low), class_=f"whisker {colour}"),
        *(_end(x, up.y(share), colour) for share in (spot.low, spot.high)),
        tag("circle", cx=x, cy=y, r=5, class_=f"dot {colour}"),
    )
    name = tag(
        "text", spot.name, x=x, dx=away, y=name_y + 4, text_anchor=anchor, class_="note", aria_hidden="true"
    )
    return tag("g", point, name)


def _end(x: str, y: float, colour: str) -> Markup:
    return tag("line", x1=x, x2=x, y1=y - 1, y2=y + 1, class_=f"whisker cap {colour}")
