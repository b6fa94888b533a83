"""What a quota store offers: reserve → sent → settle, one atomic step over all of a call's buckets.

    reserve ──▶ reserved ──▶ mark_sent ──▶ sent ──▶ settle     counted as what it really used
                   │                         └─ lease runs out: counted as what was reserved
                   └─ release, or the lease runs out: nothing was sent, nothing is counted

A bucket is a scope (a lane, or "" for the workspace) and a span (the sliding minute, a day, a run, what is open
now). Each call is counted in all of its buckets, capped or not, so that a cap that is added later sees what was
used before. Time is the store's own and never goes back. Money is integer micro-USD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

WORKSPACE = ""
"""The scope of buckets that all lanes share."""

MINUTE_S = 60.0
KEEP_CALLS_S = 48 * 3600.0
"""Closed calls are kept so long, to count a day anew when the policy's time zone changes."""
KEEP_DAYS = 400
CLOCK_SLACK_S = 25 * 3600.0
"""A clock that is further behind the ledger's than this was wrong once: the user has to say what holds."""

Exhausted = Literal[
    "budget.run_usd", "budget.daily_usd", "daily_usd", "daily_calls", "daily_tokens", "rpm", "tpm", "concurrency",
    "unpriced", "cooldown", "circuit_open", "lease",
]  # fmt: skip
"""Why a call may not be made; the caps by their names in the policy file."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a lane and its workspace may use; None is not capped."""

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    daily_calls: int | None = None
    daily_tokens: int | None = None
    daily_usd_micros: int | None = None
    budget_daily_usd_micros: int | None = None
    budget_run_usd_micros: int | None = None

    @property
    def in_money(self) -> bool:
        """Whether a call whose price is unknown has to be refused."""
        money = (self.daily_usd_micros, self.budget_daily_usd_micros, self.budget_run_usd_micros)
        return any(cap is not None for cap in money)


@dataclass(frozen=True, slots=True)
class Claim:
    """One physical call that somebody wants to make, at its upper bound of tokens and price.

    `usd_micros` is None where the price is unknown (refused under any cap in money). `hold_s` bounds the time
    between reserve and mark_sent, `lease_s` that between mark_sent and settle: more than the call's time-out.
    `breaker_after`: so many failures in a row leave the lane one call at a time until one succeeds.
    """

    lane: str
    run: str
    tokens: int
    usd_micros: int | None
    caps: Caps = Caps()
    timezone: str = "UTC"
    hold_s: float = 30.0
    lease_s: float = 900.0
    breaker_after: int = 5


@dataclass(frozen=True, slots=True)
class Grant:
    """A reservation that is held until `hold_s` is over; `mark_sent` it before the first byte."""

    id: int
    claim: Claim


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was consumed. `retry_after_s` is the earliest time at which the answer may change, None: unknown."""

    bucket: Exhausted
    retry_after_s: float | None = None


class Amount(NamedTuple):
    """What is counted. `unpriced` calls are those whose price is not known: their cost is not in `usd_micros`."""

    calls: int = 0
    tokens: int = 0
    usd_micros: int = 0
    unpriced: int = 0

    def minus(self, other: Amount) -> Amount:
        """The difference, column by column."""
        return Amount(*(a - b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one lane stands now. `day` includes what `open` holds: settled is the difference."""

    minute: Amount
    day: Amount
    open: Amount
    cooldown_s: float
    cause: str
    failures: int


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What one lane (or "", the workspace) used on one calendar day, reservations included."""

    day: str
    lane: str
    used: Amount


@dataclass(frozen=True, slots=True)
class Swept:
    """Leases that had run out: `released` were never sent, `charged` were."""

    released: int = 0
    charged: int = 0


class QuotaStore(Protocol):
    """Thread-safe and shared by processes. Every method raises LedgerError when the store cannot be had:
    the caller then calls nobody."""

    def reserve(self, claim: Claim) -> Grant | Refusal:
        """All of the call's buckets or none, in one atomic step."""

    def mark_sent(self, grant: Grant) -> Refusal | None:
        """To be called before the first byte. None: go. A refusal (`lease`, `cooldown`): do not send."""

    def settle(self, grant: Grant, tokens: int, usd_micros: int | None, answered: bool = False) -> None:
        """What the call really used; None: unknown, so that the reserved price stands. Once; then a no-op.

        `answered`: the lane works, no failures in a row. A cooldown that a server asked for stays until its time.
        """

    def release(self, grant: Grant) -> None:
        """Give an unsent reservation back. A call that was sent can only be settled: ValueError."""

    def sweep(self) -> Swept:
        """Close what crashed processes left behind and drop what is too old. Done at the start."""

    def cool(self, lane: str, seconds: float, cause: str) -> None:
        """No call to this lane for so long, from any process; a later deadline that is already set stays."""

    def failed(self, lane: str) -> int:
        """Count one more failure in a row, and say how many there are now."""

    def standing(self, timezone: str) -> Mapping[str, Standing]:
        """Every lane that was ever used, and `WORKSPACE`."""

    def history(self) -> tuple[DayUsage, ...]:
        """Usage by day and lane, oldest first."""

    def close(self) -> None:
        """Give the connection back."""


Row = tuple[str, str]
"""The key of a bucket: scope, span."""


def rows(lane: str, run: str, day: str) -> tuple[Row, Row, Row, Row, Row]:
    """The five buckets of a call: run, workspace's day, lane's day, lane's minute, lane's open calls."""
    return run_row(run), day_row(WORKSPACE, day), day_row(lane, day), minute_row(lane), open_row(lane)


def run_row(run: str) -> Row:
    """The bucket of a run's money."""
    return WORKSPACE, f"run {run}"


def day_row(scope: str, day: str) -> Row:
    """The bucket of a calendar day."""
    return scope, f"day {day}"


def minute_row(lane: str) -> Row:
    """The bucket of the sliding minute."""
    return lane, "minute"


def open_row(lane: str) -> Row:
    """The bucket of what is reserved or sent and not settled."""
    return lane, "open"


Check = tuple[int, int, int, int | None, Exhausted]
"""Which row, which column, how much more, at most how much, and the cap's name."""


def checks(claim: Claim) -> Iterator[Check]:
    """The caps of a claim, the ones that last longest first: no use in waiting for a minute in a full day."""
    caps, usd = claim.caps, claim.usd_micros or 0
    yield 0, 2, usd, caps.budget_run_usd_micros, "budget.run_usd"
    yield 1, 2, usd, caps.budget_daily_usd_micros, "budget.daily_usd"
    yield 2, 2, usd, caps.daily_usd_micros, "daily_usd"
    yield 2, 0, 1, caps.daily_calls, "daily_calls"
    yield 2, 1, claim.tokens, caps.daily_tokens, "daily_tokens"
    yield 3, 0, 1, caps.rpm, "rpm"
    yield 3, 1, claim.tokens, caps.tpm, "tpm"
    yield 4, 0, 1, caps.concurrency, "concurrency"
