"""When what went on: one bar, for one row of the table that is the waterfall."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from llm.server.dashboard.charts.svg import percent, tag

_HEIGHT = 12


def span_bar(start_ms: float, end_ms: float, whole_ms: float, kind: str) -> Markup:
    """From `start_ms` to `end_ms` of `whole_ms`. It says nothing that the row does not say in words."""
    whole = max(1.0, whole_ms)
    left = min(99.6, max(0.0, 100 * start_ms / whole))
    wide = max(0.4, min(100 - left, 100 * (end_ms - start_ms) / whole))
    rect = tag("rect", x=percent(left), y=1, width=percent(wide), height=_HEIGHT - 2, rx=2, class_=f"bar {kind}")
    return tag("svg", rect, class_="span", width="100%", height=_HEIGHT, aria_hidden="true", focusable="false")


def share_bar(share: float, kind: str) -> Markup:
    """A bar of a share of 1, behind a number in a table."""
    rect = tag("rect", x=0, y=1, width=percent(100 * min(1.0, share)), height=6, rx=2, class_=f"bar {kind}")
    whole = tag("rect", x=0, y=1, width="100%", height=6, rx=2, class_="left")
    return tag("svg", whole, rect, class_="share", width="100%", height=8, aria_hidden="true", focusable="false")


def split_bar(parts: Iterable[tuple[str, float]], whole: float) -> Markup:
    """Parts of a whole one after the other: kind and size each."""
    rects, left = [], 0.0
    for kind, size in parts:
        wide = 100 * size / max(1.0, whole)
        place = {"x": percent(left), "y": 1, "width": percent(wide), "height": _HEIGHT - 2}
        rects.append(tag("rect", **place, class_=f"bar {kind}"))
        left += wide
    return tag("svg", *rects, class_="span", width="100%", height=_HEIGHT, aria_hidden="true", focusable="false")
