"""A line through the days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llm.server.dashboard.charts.svg import Axis, Words, bottom, frame, grid, linked, percent, stretched, tag

HEIGHT = 168.0


@dataclass(frozen=True, slots=True)
class Point:
    """One day. `value` None: nothing was measured, and the line is broken there."""

    label: str
    value: float | None
    words: str
    href: str


def line(words: Words, points: Sequence[Point], most: float, label: Callable[[float], str]) -> Markup:
    """The points over an axis up to `most`."""
    axis = Axis.up_to(most, HEIGHT)
    wide = 100 / max(1, len(points))
    places = [wide * (number + 0.5) for number in range(len(points))]
    path = tag("path", d=_path(axis, points, places), class_="line s0", vector_effect="non-scaling-stroke")
    return frame(
        words,
        HEIGHT,
        grid(axis, label),
        stretched(HEIGHT, path),
        *(_dot(axis, point, place, wide) for point, place in zip(points, places, strict=True)),
        bottom([point.label for point in points], places, HEIGHT + 18),
    )


def _path(axis: Axis, points: Sequence[Point], places: Sequence[float]) -> str:
    steps, pen = [], "M"
    for point, place in zip(points, places, strict=True):
        if point.value is None:
            pen = "M"
            continue
        steps.append(f"{pen}{place:.3f} {axis.y(point.value):.2f}")
        pen = "L"
    return " ".join(steps)


def _dot(axis: Axis, point: Point, place: float, wide: float) -> Markup:
    if point.value is None:
        return Markup("")
    left = percent(place - wide / 2)
    hit = tag("rect", x=left, y=0, width=percent(wide), height=HEIGHT, class_="hit")
    dot = tag("circle", cx=percent(place), cy=axis.y(point.value), r=3, class_="dot s0")
    return linked(point.href, point.words, hit, dot)
