"""What was seen of one run: its events, and the questions that spans and metrics both ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm.domain import EMBEDDED, Event
from llm.ledger.sent import went_out


@dataclass(frozen=True, slots=True)
class Seen:
    """`events` in the order in which they came; times are seconds since the epoch. `failure` is the name of the
    exception that ended the run, "" where none did."""

    trace_id: str
    began_s: float
    ended_s: float
    events: tuple[Event, ...]
    failure: str = ""

    def of(self, *kinds: str) -> tuple[Event, ...]:
        """The events of these kinds."""
        return tuple(event for event in self.events if event.kind in kinds)

    def first(self, kind: str) -> Event | None:
        """The first event of a kind, if there is one."""
        return next(iter(self.of(kind)), None)

    @property
    def stage(self) -> str:
        """What kind of red it is, `none` as long as nobody knows."""
        triage = self.first("triage")
        return str(triage.data["stage"]) if triage else "none"

    @property
    def end(self) -> Mapping[str, Any]:
        """What the last event says of a run that came to its end; empty where an exception ended it."""
        ended = self.first("ended")
        return ended.data if ended and "exit_code" in ended.data else {}

    @property
    def outcome(self) -> str:
        """`patch`, `advisory`, or the name of the exception, `interrupted` above all."""
        return str(self.end.get("outcome") or self.failure or "unknown").lower()

    @property
    def attempts(self) -> tuple[Event, ...]:
        """The attempts to get an answer of a lane, those that a cap held back included."""
        return self.of("attempt")

    def verdict_on(self, attempt: Mapping[str, Any]) -> str:
        """What running the answer of this attempt showed, "" where it was not run."""
        key = (attempt["lane"], attempt["number"])
        verdicts = (e.data for e in self.of("verdict") if (e.data["provider"], e.data.get("attempt")) == key)
        return str(next((v["reason"] for v in verdicts), attempt.get("verdict", "")))


def was_sent(attempt: Mapping[str, Any]) -> bool:
    """Whether anything went out to the vendor."""
    return went_out(attempt["cause"], attempt["provider_ms"])


def by_lane(event: Event) -> bool:
    """Whether a candidate, or the verdict on it, is a lane's and not the embedded fixers'."""
    return bool(event.data["provider"] != EMBEDDED)
