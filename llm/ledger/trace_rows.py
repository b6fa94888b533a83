"""What the trace keeps of a run: plain rows, that the store writes and reads and nobody has to interpret.

Money is integer micro-USD, None where the price is unknown. `at` and `started` are seconds since the epoch.
Texts are stored as they are given: whoever makes a row has stripped and redacted them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})

FINISHED, RUNNING, INTERRUPTED = "finished", "running", "interrupted"
"""What became of a run; one whose process is gone and that has no end was interrupted."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One physical attempt to get an answer of a lane, or one that was refused before it was sent.

    `number` counts the attempts of this lane in this run, from 1. `cause` is a `Cause` of `llm.providers.base`, or
    the ledger's word for a refusal; `status` the HTTP status, None where there was none. `tokens_in` includes
    `tokens_cached`. `price_as_of` is the date of the price that `usd_micros` was made with. `redacted` counts the
    secrets that were taken out of the prompt. `format` is the edit format that was asked for. `verdict` is ""
    until the candidate was judged, then `passed` or its discard reason. `error` never holds a key or the prompt.
    `reserved_usd_micros` is the most that it could have cost, as it was reserved beforehand: 0 where nothing was,
    None where the price is unknown, or the row is older than this column.
    """

    trace_id: str
    lane: str
    model: str
    protocol: str
    number: int
    at: float
    cause: str
    status: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    usd_micros: int | None = None
    price_as_of: str = ""
    queue_ms: int = 0
    provider_ms: int = 0
    overhead_ms: int = 0
    first_byte_ms: int = 0
    redacted: int = 0
    policy_hash: str = ""
    stage: str = ""
    format: str = ""
    verdict: str = ""
    error: str = ""
    reserved_usd_micros: int | None = None


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate and what running it showed. `reason` "" is passed. `checks`: name → green, red, …

    `attempt` is the number of the lane's attempt that brought it, 0 where no lane was asked.
    """

    number: int
    provider: str
    origin: str
    diff: str
    reason: str = ""
    detail: str = ""
    fail_to_pass: int = 0
    still_failing: int = 0
    newly_failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    agreement: int = 1
    diff_size: int = 0
    ttg_ms: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd_micros: int | None = 0
    stub: bool = False
    attempt: int = 0
    checks: Mapping[str, str] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `winner` is the winning candidate's number; `details` is plain JSON for the story:
    `stage_reason`, `why`, `decision`, `checks` before, `notes`, `doubts`, `tried` (how many candidates), `apply`
    (what applying it takes beside `diff`; not there where it proved nothing)."""

    stage: str
    mode: str
    exit_code: int
    summary: str
    duration_ms: int
    winner: int | None = None
    winner_lane: str = ""
    winner_origin: str = ""
    diff: str = ""
    isolation: str = ""
    details: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    candidates: tuple[CandidateRow, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list of runs. What only an end brings is "" or None before it.

    `usd_micros` is what the run's attempts are known to have cost, `unpriced` how many of them nobody knows the
    price of.
    """

    trace_id: str
    status: str
    started: float
    ended: float | None
    workspace: str
    policy_hash: str
    stage: str
    mode: str
    exit_code: int | None
    summary: str
    duration_ms: int | None
    winner: int | None
    winner_lane: str
    winner_origin: str
    diff: str
    isolation: str
    attempts: int
    usd_micros: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Change:
    """What was done with a run's patch on the user's files: `what` is `applied`, `rolled_back` or `undone`, `who`
    is `cli` or the API key's id that asked for it. `reason` says why it was rolled back."""

    at: float
    what: str
    who: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """The whole story of one run."""

    run: RunRow
    attempts: tuple[Attempt, ...]
    candidates: tuple[CandidateRow, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WinRate:
    """How often one lane proved a fix in one stage. A run counts once, and only if it ended and did not cancel
    the lane: a lane that was not judged has not lost.

    `asked` runs, in `proved` of them a candidate of the lane passed, in `won` it was the winner. `usd_micros` is
    the known cost of those runs' attempts; `unpriced` counts the attempts without a price. `median_ms` is the
    median run's time of the provider for an answer, 0 without any.
    """

    stage: str
    lane: str
    asked: int
    proved: int
    won: int
    usd_micros: int
    unpriced: int
    median_ms: int
