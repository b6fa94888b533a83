"""Page 4: how long a run takes until it is green, how many attempts, and where the time goes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from llm.kept.board.filters import Filter
from llm.kept.board.percentiles import percentile
from llm.kept.board.table import Table
from llm.ledger.trace_figures import StageTimes, TraceFigures
from llm.ledger.trace_filter import GREEN

BINS_S = (0, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)
"""Where the bins begin, in seconds; the last one has no end."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Green runs that took `from_s` seconds or more and less than `to_s` (None: any longer)."""

    from_s: int
    to_s: int | None
    runs: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        max_ms = None if self.to_s is None else self.to_s * 1000
        return replace(chosen, outcome=GREEN, min_ms=self.from_s * 1000, max_ms=max_ms)


@dataclass(frozen=True, slots=True)
class AttemptsToGreen:
    """Green runs that took so many attempts of lanes; 0: the embedded fixers alone."""

    attempts: int
    runs: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        return replace(chosen, outcome=GREEN, attempts=self.attempts)


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time of ended runs went, by stage (""; first: all of them). Milliseconds of a mean run.

    `queue_ms` and `provider_ms` are those of the lane that took longest, because lanes are asked at once: waiting
    for the ledger, and for the vendor. `sandbox_ms` is the rest: checks and candidates executed.
    """

    stage: str
    runs: int
    queue_ms: int
    provider_ms: int
    sandbox_ms: int
    total_ms: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it, those without an end among them."""
        return replace(chosen, stage=self.stage or chosen.stage)


@dataclass(frozen=True, slots=True)
class Speed:
    """The page. `green` is how many runs the first two tables are made of; percentiles of their time, None
    without any. Every bin has a row, the empty ones too."""

    filter: Filter
    green: int
    p50_ms: int | None
    p95_ms: int | None
    histogram: Table[Bin]
    attempts: Table[AttemptsToGreen]
    split: Table[Split]


def speed(figures: TraceFigures, chosen: Filter) -> Speed:
    """Count them. LedgerError."""
    green_ms = figures.green_ms(chosen)
    return Speed(
        chosen,
        len(green_ms),
        percentile(green_ms, 50),
        percentile(green_ms, 95),
        Table(_bins(green_ms)),
        Table(AttemptsToGreen(*each) for each in figures.calls_to_green(chosen)),
        Table(_split(figures.times(chosen))),
    )


def _bins(ascending: Sequence[int]) -> Iterator[Bin]:
    for from_s, to_s in zip_longest(BINS_S, BINS_S[1:]):
        end = len(ascending) if to_s is None else bisect_left(ascending, to_s * 1000)
        yield Bin(from_s, to_s, end - bisect_left(ascending, from_s * 1000))


def _split(times: Sequence[StageTimes]) -> Iterator[Split]:
    if times:
        _, *columns = zip(*times, strict=True)
        yield _mean(StageTimes("", *map(sum, columns)))
    yield from map(_mean, times)


def _mean(sums: StageTimes) -> Split:
    queue, provider, total = (round(ms / sums.runs) for ms in (sums.queue_ms, sums.provider_ms, sums.total_ms))
    return Split(sums.stage, sums.runs, queue, provider, max(0, total - queue - provider), total)
