"""The live view of a run: a few lines on a terminal, drawn anew in place while events come in.

Drawing is bounded (eight frames a second, whatever happens), lines are cut to the terminal's width, and leaving
the view, for whatever reason, erases it and gives the cursor back.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from llm.domain import Event
from llm.report.text import Paint
from llm.triage.clean import strip_control

_FRAME_S = 0.125
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_PHASES = {
    "sandbox": "looking for checks",
    "checks": "reproducing the red",
    "triage": "looking for a fix",
    "fixer": "trying the embedded fixers",
    "route": "choosing lanes",
    "asking": "asking lanes",
    "ended": "done",
}


class Progress:
    """What the events of a run add up to. Not thread-safe."""

    def __init__(self) -> None:
        self._phase = "starting"
        self._checks: dict[str, str] = {}
        self._stage = ""
        self._now = ""
        self._verdicts: Counter[str] = Counter()
        self._lanes: dict[str, str] = {}
        self._micros = 0
        self._unpriced = False

    def hear(self, event: Event) -> None:
        """Take one event in; kinds that are not known change nothing."""
        self._phase = _PHASES.get(event.kind, self._phase)
        if take := getattr(self, f"_on_{event.kind}", None):
            take(event.data)

    def lines(self, elapsed_s: float) -> list[tuple[str, str]]:
        """(label, text) from the top; empty ones are left out."""
        passed = self._verdicts["passed"]
        judged = [f"{sum(self._verdicts.values())} tried", f"{passed} passed"]
        judged += [f"{n} {reason}" for reason, n in self._verdicts.most_common() if reason != "passed"]
        rows = [
            ("torre", f"{elapsed_s:.1f} s · {self._phase}"),
            ("checks", " · ".join(f"{name} {state}" for name, state in self._checks.items())),
            ("stage", self._stage),
            ("candidates", " · ".join(judged) if self._verdicts else ""),
            ("now", self._now),
            ("lanes", " · ".join(f"{lane} {state}" for lane, state in self._lanes.items())),
            ("cost", f"${self._micros / 1e6:.4f}" + " + ?" * self._unpriced if self._lanes else "$0.00"),
        ]
        return [(label, " ".join(strip_control(text).split())) for label, text in rows if text]

    def _on_checks(self, data: Any) -> None:
        self._checks = {str(check["name"]): "…" for check in data["checks"]}

    def _on_baseline(self, data: Any) -> None:
        self._checks[str(data["check"])] = f"{data['outcome']} ({data['duration_s']:.1f} s)"

    def _on_triage(self, data: Any) -> None:
        self._stage = f"{data['stage']}: {data['reason']}"

    def _on_fixer(self, data: Any) -> None:
        self._now = f"{data['name']}"

    def _on_candidate(self, data: Any) -> None:
        self._now = f"candidate {data['index']}: {data['origin']}"

    def _on_verdict(self, data: Any) -> None:
        self._verdicts[str(data["reason"])] += 1

    def _on_progress(self, data: Any) -> None:
        self._now = str(data["line"])

    def _on_asking(self, data: Any) -> None:
        self._lanes[str(data["lane"])] = f"round {data['round']}"

    def _on_answered(self, data: Any) -> None:
        cost = data["cost_usd_micros"]
        self._micros += cost or 0
        self._unpriced |= cost is None
        self._lanes[str(data["lane"])] = "answered"

    def _on_lane_failed(self, data: Any) -> None:
        self._lanes[str(data["lane"])] = f"failed ({data['reason']})"


class LiveView:
    """A context in which `hear` shows events on a terminal; `write` goes to it, `size` is asked for each frame."""

    def __init__(self, write: Callable[[str], object], size: Callable[[], os.terminal_size], paint: Paint) -> None:
        self._write = write
        self._size = size
        self._paint = paint
        self._progress = Progress()
        self._lock = Lock()
        self._over = Flag()
        self._drawn: list[int] = []
        self._started = time.monotonic()
        self._ticker = Thread(target=self._tick, daemon=True, name="live view")

    def __enter__(self) -> Self:
        self._write(_HIDE)
        self._ticker.start()
        return self

    def hear(self, event: Event) -> None:
        """Any thread may call this; nothing is drawn by it."""
        with self._lock:
            self._progress.hear(event)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._ticker.join()
        self._write(f"{self._back()}\x1b[J{_SHOW}")

    def _tick(self) -> None:
        with suppress(OSError):  # the terminal has gone; the run goes on, and its result is written elsewhere
            while not self._over.wait(_FRAME_S):
                self._draw()

    def _draw(self) -> None:
        columns, rows = self._size()
        with self._lock:
            lines = self._progress.lines(time.monotonic() - self._started)[: max(1, rows - 1)]
        widest = max(len(label) for label, _ in lines)
        cut = [(label.ljust(widest), fitted(text, columns - widest - 3)) for label, text in lines]
        frame = "".join(f"{self._paint('dim', label)}  {text}\x1b[K\n" for label, text in cut)
        self._write(f"{self._back()}{frame}\x1b[J")
        self._drawn = [len(label) + 2 + width(text) for label, text in cut]

    def _back(self) -> str:
        """To the beginning of what was drawn; a terminal that became narrower has wrapped it since."""
        columns = max(1, self._size().columns)
        height = sum(max(1, -(-line // columns)) for line in self._drawn)
        return f"\r\x1b[{height}A" if height else "\r"


def width(text: str) -> int:
    """The columns that a terminal gives to a text."""
    return sum(_columns(character) for character in text)


def fitted(text: str, columns: int) -> str:
    """The text, cut to so many columns with an ellipsis."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + "…" if columns > 0 else ""


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
