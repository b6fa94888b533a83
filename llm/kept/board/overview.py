"""Page 1: what the runs cost, how many turned green and how fast, and what became of them, day by day."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llm.kept.board.filters import Filter
from llm.kept.board.percentiles import percentile
from llm.kept.board.table import Table
from llm.ledger.days import Day, Days
from llm.ledger.trace_figures import Tally, TraceFigures
from llm.ledger.trace_filter import CHANGES
from llm.ledger.traces import KEEP_DAYS

MOST_DAYS = KEEP_DAYS + 2
"""The first and the last day may be there in part."""
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Totals:
    """All runs of the filter. A rate is a share from 0 to 1; what nothing can be said of is None.

    `green` runs proved a patch; `green_rate` is their share of those that ended and in which something was red.
    `usd_micros` is what is known to have been spent (on the provider, where one is chosen), `unpriced` the calls
    of which nobody knows the price. `usd_micros_per_green` is all that was spent, on red runs too, for each green
    one. `p50_ms` and `p95_ms` are times to green. `applied`, `rolled_back` and `undone` count runs by what became
    of their patch last.
    """

    runs: int
    ended: int
    green: int
    green_rate: float | None
    usd_micros: int
    unpriced: int
    usd_micros_per_green: int | None
    p50_ms: int | None
    p95_ms: int | None
    applied: int
    rolled_back: int
    undone: int
    interrupted: int
    running: int


@dataclass(frozen=True, slots=True)
class Spend:
    """What one lane cost in the runs that started on one day; a day and lane without calls has no row."""

    day: str
    starts_at: float
    ends_at: float
    lane: str
    calls: int
    usd_micros: int
    unpriced: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        return replace(_of_day(chosen, self.starts_at, self.ends_at), provider=self.lane)


@dataclass(frozen=True, slots=True)
class DayOutcomes:
    """The runs that started on one day, by how they stand; `runs` is the sum. Days without runs have a row too."""

    day: str
    starts_at: float
    ends_at: float
    runs: int
    green: int
    no_winner: int
    advisory: int
    refused: int
    failed: int
    nothing_red: int
    interrupted: int
    running: int

    @property
    def ended(self) -> int:
        """The runs that came to their end."""
        return self.runs - self.interrupted - self.running

    @property
    def red(self) -> int:
        """Those of them in which something was red, and so could turn green."""
        return self.ended - self.nothing_red

    @property
    def green_rate(self) -> float | None:
        """The share of those that did."""
        return share(self.green, self.red)

    def within(self, chosen: Filter, outcome: str = "") -> Filter:
        """The runs behind it: all of the day, or those of one of its columns."""
        return replace(_of_day(chosen, self.starts_at, self.ends_at), outcome=outcome or chosen.outcome)


@dataclass(frozen=True, slots=True)
class Overview:
    """The page. Days are calendar days of the time zone that was asked for, oldest first."""

    filter: Filter
    totals: Totals
    spend: Table[Spend]
    outcomes: Table[DayOutcomes]


def overview(figures: TraceFigures, chosen: Filter, timezone: str = "UTC") -> Overview:
    """Count them, day by day; of more than `MOST_DAYS` days the last ones, none after tomorrow. LedgerError."""
    until = min(chosen.until, time.time() + _DAY_S)
    chosen = replace(chosen, since=max(chosen.since, until - MOST_DAYS * _DAY_S), until=until)
    days = tuple(_days(chosen, timezone))
    begins = [max(chosen.since, day.starts_at) for day in days]
    spend = Table(
        Spend(day.label, day.starts_at, day.ends_at, *each)
        for day, lanes in zip(days, figures.spends(chosen, begins), strict=True)
        for each in lanes
    )
    tallies = figures.tallies(chosen, begins)
    outcomes = Table(
        DayOutcomes(day.label, day.starts_at, day.ends_at, tally.runs, **tally.ends)
        for day, tally in zip(days, tallies, strict=True)
    )
    return Overview(chosen, _totals(tallies, outcomes, spend, figures.green_ms(chosen)), spend, outcomes)


def _days(chosen: Filter, timezone: str) -> Iterator[Day]:
    days, at = Days(timezone), chosen.since
    while at < chosen.until:
        day = days.at(at)
        yield day
        at = day.ends_at


def share(part: int, whole: int) -> float | None:
    """From 0 to 1; None of nothing."""
    return part / whole if whole else None


def _totals(
    tallies: Sequence[Tally], days: Sequence[DayOutcomes], spend: Sequence[Spend], green_ms: Sequence[int]
) -> Totals:
    changes = {name: sum(each.changes[name] for each in tallies) for name in CHANGES}
    green, usd_micros = sum(day.green for day in days), sum(each.usd_micros for each in spend)
    return Totals(
        runs=sum(day.runs for day in days),
        ended=sum(day.ended for day in days),
        green=green,
        green_rate=share(green, sum(day.red for day in days)),
        usd_micros=usd_micros,
        unpriced=sum(each.unpriced for each in spend),
        usd_micros_per_green=round(usd_micros / green) if green else None,
        p50_ms=percentile(green_ms, 50),
        p95_ms=percentile(green_ms, 95),
        interrupted=sum(day.interrupted for day in days),
        running=sum(day.running for day in days),
        **changes,
    )


def _of_day(chosen: Filter, starts_at: float, ends_at: float) -> Filter:
    return replace(chosen, since=max(chosen.since, starts_at), until=min(chosen.until, ends_at))
