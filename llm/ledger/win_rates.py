"""How often a lane proved a fix, counted from what became of its attempts, and how sure that is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt
from statistics import median
from typing import get_args

from llm.ledger.base import Exhausted
from llm.ledger.trace_rows import WinRate

_Z = 1.959964
_NOT_JUDGED = frozenset(("", "ok", "cancelled", "duplicate", *get_args(Exhausted)))
"""Outcomes that say nothing about the lane: still open, ended by Torre, or never sent."""


@dataclass(slots=True)
class LaneRun:
    """One lane in one run: what became of its attempts and candidates, and what they took."""

    stage: str
    lane: str
    won: bool
    outcomes: list[str] = field(default_factory=list)
    usd_micros: int = 0
    unpriced: int = 0
    times_ms: list[int] = field(default_factory=list)

    def add_attempt(self, cause: str, verdict: str, usd_micros: int | None, provider_ms: int) -> None:
        """Count one attempt."""
        self.outcomes.append(verdict or cause)
        self.usd_micros += usd_micros or 0
        self.unpriced += usd_micros is None
        if cause == "ok":
            self.times_ms.append(provider_ms)


def count_wins(lane_runs: Iterable[LaneRun]) -> tuple[WinRate, ...]:
    """One row a stage and lane, in their order; a run in which the lane was not judged is left out."""
    groups: dict[tuple[str, str], list[LaneRun]] = defaultdict(list)
    for one in lane_runs:
        if not _NOT_JUDGED.issuperset(one.outcomes):
            groups[one.stage, one.lane].append(one)
    return tuple(_rate(stage, lane, ones) for (stage, lane), ones in sorted(groups.items()))


def _rate(stage: str, lane: str, ones: list[LaneRun]) -> WinRate:
    times = [ms for one in ones for ms in one.times_ms]
    return WinRate(
        stage=stage,
        lane=lane,
        asked=len(ones),
        proved=sum("passed" in one.outcomes for one in ones),
        won=sum(one.won for one in ones),
        usd_micros=sum(one.usd_micros for one in ones),
        unpriced=sum(one.unpriced for one in ones),
        median_ms=round(median(times)) if times else 0,
    )


def interval(proved: int, asked: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where the true rate may well be, honest also for few runs."""
    if asked == 0:
        return 0.0, 1.0
    share, z2 = proved / asked, _Z * _Z
    middle = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    half = _Z / (1 + z2 / asked) * sqrt(share * (1 - share) / asked + z2 / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)
