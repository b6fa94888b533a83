"""SVG as text: one element, the frame that every chart has, and an axis with round numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, takewhile

from markupsafe import Markup, escape

SERIES = 8
"""So many colours are told apart; the last is for all others."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS, _LABELS, _LEAST = 4, 7, 1e-9


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called, and what it shows, for whoever does not see it. `id` is unique on its page."""

    id: str
    title: str
    told: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From 0 at the bottom to `top` at the upper edge of `height` pixels."""

    top: float
    ticks: tuple[float, ...]
    height: float

    @classmethod
    def up_to(cls, most: float, height: float, least: float = 0.0) -> Axis:
        """Round ticks that cover `most`, about four of them, and no closer than `least`."""
        most = max(most, _LEAST) if most > 0 else 1.0
        raw = max(most / _TICKS, least)
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in _STEPS if unit * factor >= raw * 0.999)
        top = step * max(1, math.ceil(most / step - 1e-6))
        return cls(top, tuple(takewhile(lambda tick: tick <= top * 1.001, (step * n for n in count()))), height)

    def y(self, value: float) -> float:
        """Pixels from above."""
        return self.height * (1 - value / self.top)

    def share(self, value: float) -> float:
        """Per cent of the whole, for an axis that lies."""
        return 100 * value / self.top


def tag(name: str, *content: Markup | str, **attributes: object) -> Markup:
    """One element. An attribute of None is left out; `class_` is `class`, `text_anchor` is `text-anchor`; texts
    are escaped."""
    told = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _text(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), told, Markup("").join(map(escape, content)))


def percent(share: float) -> str:
    """A place on the x axis, of 100."""
    return f"{_text(share)}%"


def frame(words: Words, height: float, *content: Markup, below: float = 24) -> Markup:
    """The chart: `height` pixels of plot, `below` for what is written under it."""
    return tag(
        "svg",
        tag("title", words.title, id=f"{words.id}-title"),
        tag("desc", words.told, id=f"{words.id}-desc"),
        *content,
        class_="plot",
        role="group",
        aria_labelledby=f"{words.id}-title {words.id}-desc",
        width="100%",
        height=height + below,
        focusable="false",
    )


def stretched(height: float, *content: Markup) -> Markup:
    """Shapes that have no per cent: drawn 100 wide, and stretched to the width there is."""
    box = f"0 0 100 {_text(height)}"
    return tag("svg", *content, viewBox=box, preserveAspectRatio="none", width="100%", height=height)


def grid(axis: Axis, label: Callable[[float], str]) -> Markup:
    """A line and a number for each tick, the numbers left of the plot."""
    lines = []
    for tick in axis.ticks:
        y = axis.y(tick)
        lines.append(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="base" if tick == 0 else "grid"))
        lines.append(tag("text", label(tick), x=-8, y=y + 4, text_anchor="end", class_="tick"))
    return tag("g", *lines, aria_hidden="true")


def bottom(labels: Sequence[str], places: Sequence[float], y: float) -> Markup:
    """Words under the plot; where there are many, only some of them."""
    every = max(1, math.ceil(len(labels) / _LABELS))
    shown = list(zip(labels, places, strict=True))[::every]
    return tag("g", *(_below(text, place, y) for text, place in shown), aria_hidden="true", class_="below")


def linked(href: str, words: str, *content: Markup) -> Markup:
    """What leads to the runs behind it. Tab passes it by: the table under the chart has the same links."""
    return tag("a", tag("title", words), *content, href=href, aria_label=words, tabindex="-1")


def series(number: int) -> str:
    """The class of one colour."""
    return f"s{min(number, SERIES - 1)}"


def _below(text: str, place: float, y: float) -> Markup:
    anchor = "start" if place < 5 else "end" if place > 95 else "middle"
    return tag("text", text, x=percent(place), y=y, text_anchor=anchor, class_="tick")


def _text(value: object) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
