"""How full a cap is: settled, reserved, left."""

from __future__ import annotations

from markupsafe import Markup

from llm.server.dashboard.charts.svg import Words, frame, percent, tag

_HEIGHT = 10.0


def gauge(words: Words, settled: float, reserved: float, expected: float | None = None) -> Markup:
    """Shares of the cap, of 1 (more is drawn as full). `expected`: where it will stand when the window ends."""
    used = min(1.0, settled)
    held = min(1.0 - used, reserved)
    state = "full" if settled + reserved >= 1 else "high" if settled + reserved >= 0.8 else "calm"
    parts = [
        tag("rect", x=0, y=0, width="100%", height=_HEIGHT, rx=3, class_="left"),
        tag("rect", x=0, y=0, width=percent(100 * used), height=_HEIGHT, rx=3, class_=f"settled {state}"),
    ]
    if held > 0:
        width = percent(100 * held)
        parts.append(tag("rect", x=percent(100 * used), y=0, width=width, height=_HEIGHT, class_="reserved"))
    if expected is not None:
        place = percent(100 * min(1.0, expected))
        parts.append(tag("line", x1=place, x2=place, y1=-3, y2=_HEIGHT + 3, class_="expected"))
    return frame(words, _HEIGHT, *parts, below=0)
