"""Page 1, `/`: what the runs cost, how many turned green and how fast, day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from markupsafe import Markup

from llm.kept.board.filters import Filter
from llm.kept.board.overview import DayOutcomes, Overview, Spend, overview
from llm.server.dashboard.charts.bars import Column, bars
from llm.server.dashboard.charts.line import Point, line
from llm.server.dashboard.charts.svg import SERIES, Words, series
from llm.server.dashboard.view import words
from llm.server.dashboard.view.sheet import Sheet
from llm.server.dashboard.view.sight import Sight
from llm.server.pages import Pages

_OTHERS = "all others"
_COLOURS = {
    "green": "good",
    "no_winner": "warn",
    "advisory": "s6",
    "refused": "s3",
    "failed": "bad",
    "nothing_red": "s5",
    "interrupted": "calm",
    "running": "info",
}


def _ask(seen: Sight) -> Overview:
    return overview(seen.figures, seen.view.filter, seen.timezone)


def _draw(seen: Sight, board: Overview) -> Mapping[str, Any]:
    lanes = _lanes(board.spend)
    days = list(dropwhile(lambda day: not day.runs, board.outcomes))
    names = [name for name in _COLOURS if any(getattr(day, name) for day in days)]
    return {
        "days": days,
        "spend_chart": _spend_chart(seen, board, days, lanes),
        "spend_legend": [(series(number), lane) for lane, number in lanes.items()],
        "outcome_chart": _outcome_chart(seen, days, names),
        "outcome_legend": [(_COLOURS[name], words.outcome(name)) for name in names],
        "outcome_names": names,
        "rate_chart": _rate_chart(seen, days),
        "rates": [(day, _runs(seen, day.within(seen.view.filter))) for day in days],
    }


def _lanes(spend: Iterable[Spend]) -> dict[str, int]:
    """A colour for each of those that cost most; the last one for all others."""
    sums: dict[str, int] = defaultdict(int)
    for row in spend:
        sums[row.lane] += row.usd_micros
    ordered = sorted(sums, key=lambda lane: (-sums[lane], lane))
    most = ordered if len(ordered) <= SERIES else [*ordered[: SERIES - 1], _OTHERS]
    return {lane: number for number, lane in enumerate(most)}


@dataclass(slots=True)
class _Cost:
    """What some rows cost, and how many calls nobody knows the price of."""

    usd_micros: int = 0
    unpriced: int = 0

    def add(self, row: Spend) -> None:
        self.usd_micros += row.usd_micros
        self.unpriced += row.unpriced

    def __str__(self) -> str:
        return words.money(self.usd_micros, self.unpriced)


def _spend_chart(seen: Sight, board: Overview, days: Sequence[DayOutcomes], lanes: Mapping[str, int]) -> Markup:
    by_day: dict[str, dict[str, _Cost]] = defaultdict(lambda: defaultdict(_Cost))
    for row in board.spend:
        by_day[row.day][row.lane if row.lane in lanes else _OTHERS].add(row)
    columns = [_spend_column(seen, day, by_day[day.day], lanes) for day in days]
    total = words.money(board.totals.usd_micros, board.totals.unpriced)
    told = f"{total} in all, by the day that a run started and the provider. The table below has the same."
    return bars(Words("spend", "Spend a day by provider", told), columns, words.dollars)


def _spend_column(seen: Sight, day: DayOutcomes, spent: Mapping[str, _Cost], lanes: Mapping[str, int]) -> Column:
    costs = {lane: spent[lane] for lane in lanes if lane in spent}
    parts = tuple((series(lanes[lane]), float(cost.usd_micros)) for lane, cost in costs.items())
    most = [f"{lane} {cost}" for lane, cost in costs.items() if cost.usd_micros or cost.unpriced]
    told = ": ".join((words.day(day.day), ", ".join(most) or "nothing spent"))
    return Column(words.day(day.day), parts, told, _runs(seen, day.within(seen.view.filter)))


def _outcome_chart(seen: Sight, days: Sequence[DayOutcomes], names: Sequence[str]) -> Markup:
    columns = []
    for day in days:
        parts = tuple((_COLOURS[name], float(getattr(day, name))) for name in names)
        some = [f"{getattr(day, name)} {words.outcome(name).lower()}" for name in names if getattr(day, name)]
        told = f"{words.day(day.day)}: {', '.join(some) or 'no run'}"
        columns.append(Column(words.day(day.day), parts, told, _runs(seen, day.within(seen.view.filter))))
    told = f"{sum(day.runs for day in days)} runs by the day that they started. The table below has the same."
    return bars(Words("outcomes", "Outcomes a day", told), columns, words.short, least=1)


def _rate_chart(seen: Sight, days: Sequence[DayOutcomes]) -> Markup:
    points = []
    for day in days:
        told = f"{words.day(day.day)}: {words.share(day.green_rate)}, {day.green} of {day.red} with something red"
        points.append(
            Point(words.day(day.day), day.green_rate, told, _runs(seen, day.within(seen.view.filter, "green")))
        )
    told = "Of the runs that ended and in which something was red, the share that proved a patch."
    about = Words("rate", "Green rate a day", told)
    return line(about, points, 1.0, words.share)


def _runs(seen: Sight, chosen: Filter) -> str:
    return seen.view.href("/runs", chosen)


_SHEET = Sheet("/", "overview", "Overview", _ask, _draw, {"spend": Spend, "outcomes": DayOutcomes})
PAGES = Pages(_SHEET.routes())
