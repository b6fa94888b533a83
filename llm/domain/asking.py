"""Who is asked for a fix, who is not and why, and what asking brought."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from llm.domain.kinds import Stage


class SkipReason(StrEnum):
    """Why a lane of the rule is not asked."""

    NOT_ALLOWED = "not_allowed"
    NOT_CONFIGURED = "not_configured"
    NO_VISION = "no_vision"
    NO_CREDENTIALS = "no_credentials"
    UNPRICED = "unpriced"
    QUOTA = "quota"
    COOLDOWN = "cooldown"
    CIRCUIT_OPEN = "circuit_open"


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """A lane that is asked, and why."""

    lane: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A lane of the rule that is not asked. `detail` says what would change that: the variable to set, the cap."""

    lane: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Which lanes are asked for a stage. `rule` is `default:` or `policy:` and the route that fired.

    `stub`: nobody is called, the lanes answer with their offline stubs.
    """

    stage: Stage
    rule: str
    lanes: tuple[LaneChoice, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    stub: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        """The lanes that are asked, in order."""
        return tuple(choice.lane for choice in self.lanes)

    @property
    def reason(self) -> str:
        """The route and its lanes in one line: `types: anthropic/claude-3.5+openai/gpt-4o`."""
        return f"{self.rule.partition(':')[2]}: {'+'.join(self.providers) or 'no lane can be asked'}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer of a provider cost. `cost_usd_micros` is None where the price is unknown."""

    tokens_in: int = 0
    tokens_out: int = 0
    latency_ms: int = 0
    cost_usd_micros: int | None = 0
    cached: bool = False


NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class LaneAnswer:
    """What asking one lane once brought. `index` is its evaluation's, None where nothing could be evaluated.

    `failure` is why there is no candidate (a cause, `refused` by a cap, `rejected_edit`), "" where there is one.
    """

    lane: str
    usage: Usage = NOTHING_USED
    diff: str = ""
    index: int | None = None
    failure: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LaneWork:
    """Who was asked and what came of it. `unset` are the variables that would let a lane answer for real.

    `held_back` says why nobody was asked although the decision names lanes ("" otherwise). `shown` is, in stub
    mode, which of the answers is shown. `exit_code` is the run's if it stays red.
    """

    decision: RouteDecision
    answers: tuple[LaneAnswer, ...] = ()
    unset: tuple[str, ...] = ()
    held_back: str = ""
    exit_code: int = 1
    shown: int | None = None
