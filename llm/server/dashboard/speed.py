"""Page 4, `/speed`: how long a run takes until it is green, how many attempts, and where the time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from llm.kept.board.speed import AttemptsToGreen, Bin, Speed, Split, speed
from llm.server.dashboard.charts.bars import Column, Mark, bars
from llm.server.dashboard.charts.svg import Words
from llm.server.dashboard.view import words
from llm.server.dashboard.view.sheet import Sheet
from llm.server.dashboard.view.sight import Sight
from llm.server.pages import Pages


def _ask(seen: Sight) -> Speed:
    return speed(seen.figures, seen.view.filter)


def _draw(seen: Sight, board: Speed) -> Mapping[str, Any]:
    chosen, view = seen.view.filter, seen.view
    longest = max((row.total_ms for row in board.split), default=1) or 1
    return {
        "histogram_chart": _histogram(seen, board),
        "attempts_chart": _attempts(seen, board.attempts),
        "bins": [(row, _span(row), view.href("/runs", row.within(chosen))) for row in board.histogram],
        "tries": [(row, view.href("/runs", row.within(chosen))) for row in board.attempts],
        "splits": [(row, longest, view.href("/runs", row.within(chosen))) for row in board.split],
        "green_runs": view.href("/runs", board.histogram[0].within(chosen)) if board.histogram else "",
    }


def _histogram(seen: Sight, board: Speed) -> Markup:
    columns = [
        Column(
            f"{words.seconds(row.from_s)}{'' if row.to_s else '+'}",
            (("good", float(row.runs)),),
            f"{_span(row)}: {row.runs} runs",
            seen.view.href("/runs", row.within(seen.view.filter)),
        )
        for row in board.histogram
    ]
    marks = [
        Mark(_place(board.histogram, ms), f"{name} {words.duration(ms)}")
        for name, ms in (("p50", board.p50_ms), ("p95", board.p95_ms))
        if ms is not None
    ]
    told = (
        f"{board.green} green runs; half took up to {words.duration(board.p50_ms)}, 95 % up to "
        f"{words.duration(board.p95_ms)}. The table below has the same."
    )
    return bars(Words("times", "Time to green", told), columns, words.short, 0.06, marks, 1)


def _attempts(seen: Sight, rows: Sequence[AttemptsToGreen]) -> Markup:
    columns = [
        Column(
            str(row.attempts),
            (("info" if row.attempts else "good", float(row.runs)),),
            f"{row.attempts or 'no'} attempts of providers: {row.runs} runs",
            seen.view.href("/runs", row.within(seen.view.filter)),
        )
        for row in rows
    ]
    told = "Green runs by how many attempts of providers they took; 0 is the embedded fixers alone."
    return bars(Words("tries", "Attempts to green", told), columns, words.short, least=1)


def _span(row: Bin) -> str:
    if row.to_s is None:
        return f"{words.seconds(row.from_s)} or more"
    return f"{words.seconds(row.from_s)} to {words.seconds(row.to_s)}"


def _place(rows: Sequence[Bin], ms: int) -> float:
    """Where a time is on the axis, whose bins are drawn equally wide."""
    wide = 100 / len(rows)
    for number, row in enumerate(rows):
        if row.to_s is None or ms < row.to_s * 1000:
            within = 0.5 if row.to_s is None else (ms / 1000 - row.from_s) / (row.to_s - row.from_s)
            return wide * (number + max(0.0, within))
    return 100.0


_TABLES = {"histogram": Bin, "attempts": AttemptsToGreen, "split": Split}
_SHEET = Sheet("/speed", "speed", "Speed", _ask, _draw, _TABLES)
PAGES = Pages(_SHEET.routes())
