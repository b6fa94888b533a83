"""Page 2: the caps as they stand, when they are reached at this rate, and what was refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from llm.kept.board.filters import Filter
from llm.kept.board.table import Table
from llm.kept.quotas import quotas
from llm.ledger.base import Amount
from llm.ledger.days import Days
from llm.ledger.sent import REFUSALS
from llm.ledger.trace_figures import TraceFigures

BURN_S = 3 * 3600.0
"""The burn rate is that of the last three hours."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One window of one lane, or of all of them together (`lane` "").

    `name` is the cap's in the policy (`daily_calls`, `daily_tokens`, `daily_usd`, `rpm`, `tpm`, `concurrency`,
    `budget.daily_usd`); `unit` is `calls`, `tokens` or `micro-USD`. `settled` and `reserved` are counted now;
    `cap` and `left` are None where nothing caps it. `per_hour` is the burn rate. `reached_at` is when the cap is
    reached at that rate (epoch seconds), None: not before the window starts anew, or there is no cap.
    """

    lane: str
    name: str
    unit: str
    settled: int
    reserved: int
    cap: int | None
    left: int | None
    per_hour: float
    reached_at: float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Calls that were not sent: `calls` in `runs` runs. `cause` is a cap's name, `cooldown`, `circuit_open`, …"""

    lane: str
    cause: str
    calls: int
    runs: int

    def within(self, chosen: Filter) -> Filter:
        """The runs behind it."""
        return replace(chosen, provider=self.lane, cause=self.cause)


@dataclass(frozen=True, slots=True)
class QuotaBoard:
    """The page. `enabled`: whether lanes may be called at all. `resets_at` is the end of the day of `timezone`."""

    filter: Filter
    enabled: bool
    timezone: str
    resets_at: float
    gauges: Table[Gauge]
    refused: Table[Refused]


def quota_board(figures: TraceFigures, root: Path, env: Mapping[str, str], chosen: Filter) -> QuotaBoard:
    """The caps of the policy at `root` as its ledger has them now, and what was refused within the filter.
    PolicyError, LedgerError."""
    now = time.time()
    told = quotas(root, env)
    resets_at = Days(told["timezone"]).at(now).ends_at
    burnt = figures.burnt(now - BURN_S)
    rates = {lane: _Rates.of(amount) for lane, amount in burnt.items()}
    everyone = _Rates.of(*burnt.values())
    gauges = [
        _gauge(lane["provider"], window, rates.get(lane["provider"], _Rates()), now, resets_at)
        for lane in told["lanes"]
        for window in lane["quota"]
    ]
    gauges += [_gauge("", window, everyone, now, resets_at) for window in told["budget"]]
    refused = (
        Refused(lane, cause, calls, runs)
        for (lane, cause), (calls, runs) in figures.failures(chosen).causes.items()
        if cause in REFUSALS
    )
    return QuotaBoard(chosen, told["enabled"], told["timezone"], resets_at, Table(gauges), Table(refused))


class _Rates(NamedTuple):
    """What is used an hour, by unit."""

    calls: float = 0.0
    tokens: float = 0.0
    usd_micros: float = 0.0

    @classmethod
    def of(cls, *burnt: Amount) -> _Rates:
        hours = BURN_S / 3600
        return cls(*(sum(each[column] for each in burnt) / hours for column in range(3)))


def _gauge(lane: str, window: Mapping[str, Any], rates: _Rates, now: float, resets_at: float) -> Gauge:
    name, left = window["name"], window["left"]
    unit = "micro-USD" if "usd" in name else "tokens" if name in ("daily_tokens", "tpm") else "calls"
    per_hour = rates[("calls", "tokens", "micro-USD").index(unit)]
    daily = "daily" in name  # the sliding minute and what is open now are full for a moment, and not for the day
    reached_at = now + left / per_hour * 3600 if daily and left is not None and per_hour else None
    if reached_at is not None and reached_at >= resets_at:
        reached_at = None
    used, reserved, cap = window["used"], window["reserved"], window["cap"]
    return Gauge(lane, name, unit, used, reserved, cap, left, per_hour, reached_at)
