"""Page 3: how often a lane proves a fix and what that costs, how its calls fail, and who answers instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llm.kept.board.filters import Filter
from llm.kept.board.table import Table
from llm.ledger.sent import CANCELLED, REFUSALS
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_filter import NO_LANE
from llm.ledger.win_rates import Judged, all_stages, interval


@dataclass(frozen=True, slots=True)
class LaneWins:
    """One lane in one stage (`stage` "": in all of them), as `llm.ledger.trace_rows.WinRate` counts.

    Of `asked` runs `proved` brought a candidate that passed and `won` the winner; `rate` is proved of asked, and
    the true one lies between `low` and `high` (Wilson, 95 %). `usd_micros` is the known cost of those runs,
    `usd_micros_per_run` of one of them; `unpriced` calls are in neither. `median_ms` is the provider's time.
    """

    lane: str
    stage: str
    asked: int
    proved: int
    won: int
    rate: float
    low: float
    high: float
    usd_micros: int
    usd_micros_per_run: int
    unpriced: int
    median_ms: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it, those in which the lane was not judged among them."""
        return replace(chosen, provider=self.lane, stage=self.stage or chosen.stage)


@dataclass(frozen=True, slots=True)
class Errors:
    """Calls to one lane that brought no answer, by cause: `calls` in `runs` runs. `refused`: it was not sent."""

    lane: str
    cause: str
    calls: int
    runs: int
    refused: bool

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        return replace(chosen, provider=self.lane, cause=self.cause)


@dataclass(frozen=True, slots=True)
class Fallback:
    """`runs` in which `source` was to be asked and brought no answer, and `target` did ("": no lane answered)."""

    source: str
    target: str
    runs: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        return replace(chosen, provider=f"{self.source} {self.target or NO_LANE}")


@dataclass(frozen=True, slots=True)
class Providers:
    """The page. `wins` has a row a lane and stage, `lanes` one a lane: cost against win rate."""

    filter: Filter
    wins: Table[LaneWins]
    lanes: Table[LaneWins]
    errors: Table[Errors]
    fallbacks: Table[Fallback]


def providers(figures: TraceFigures, chosen: Filter) -> Providers:
    """Count them. LedgerError."""
    wins, failures = figures.wins(chosen), figures.failures(chosen)
    errors = (
        Errors(lane, cause, calls, runs, refused=cause in REFUSALS)
        for (lane, cause), (calls, runs) in failures.causes.items()
        if cause != CANCELLED  # nobody wanted the answer any more: no error
    )
    flow = (
        Fallback(source, "" if target == NO_LANE else target, runs)
        for (source, target), runs in failures.instead.items()
    )
    by_lane = all_stages(wins)
    return Providers(chosen, Table(map(_wins, wins)), Table(map(_wins, by_lane)), Table(errors), Table(flow))


def _wins(judged: Judged) -> LaneWins:
    rate = judged.rate
    low, high = interval(rate.proved, rate.asked)
    return LaneWins(
        lane=rate.lane,
        stage=rate.stage,
        asked=rate.asked,
        proved=rate.proved,
        won=rate.won,
        rate=rate.proved / rate.asked,
        low=low,
        high=high,
        usd_micros=rate.usd_micros,
        usd_micros_per_run=round(rate.usd_micros / rate.asked),
        unpriced=rate.unpriced,
        median_ms=rate.median_ms,
    )
