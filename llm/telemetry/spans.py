"""A run as a tree of spans, from its events. Pure.

`torre.fix` is the run; below it its steps as far as it came, `torre.prepare`, `torre.reproduce`, `torre.generate`,
`torre.ask` and `torre.confirm`; below those the checks, the calls to lanes and the candidates that were run.
Numbers, names of lanes and words of closed sets are always told. Texts of the workspace, and what a candidate is,
only where content is asked for; the record has taken the secrets out of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llm.domain import Event
from llm.providers.base import Cause
from llm.telemetry.conventions import Attributes, Value, called, operation, used
from llm.telemetry.seen import Seen, by_lane, was_sent
from llm.telemetry.settings import Settings

_MOST_EVALUATED = 100
"""A search runs thousands of candidates; what passed and the first of the others are told one by one."""
_MOST_CHARACTERS = 16_000
_RED = ("red", "timeout", "oom", "output", "cancelled")
_NOTHING: Attributes = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Span:
    """Times are seconds since the epoch. `call`: it is a call to somebody else. `error` is its `error.type`."""

    name: str
    began_s: float
    ended_s: float
    attributes: Attributes = field(default_factory=lambda: _NOTHING)
    children: tuple[Span, ...] = ()
    call: bool = False
    error: str = ""


def root_of(seen: Seen, settings: Settings) -> Span:
    """The whole run."""
    return _Telling(seen, settings).root()


class _Telling:
    def __init__(self, seen: Seen, settings: Settings) -> None:
        self._seen = seen
        self._settings = settings
        self._began = {event.data["index"]: event.at for event in seen.of("candidate")}

    def root(self) -> Span:
        seen = self._seen
        steps = (self._prepare(), self._reproduce(), self._generate(), self._ask())
        done = tuple(step for step in steps if step)
        confirm = self._confirm(max((step.ended_s for step in done), default=seen.began_s))
        children = done + ((confirm,) if confirm else ())
        return Span("torre.fix", seen.began_s, seen.ended_s, self._of_run(), children, error=seen.failure)

    def _of_run(self) -> dict[str, Value]:
        seen, end = self._seen, self._seen.end
        costs = [event.data["usd_micros"] for event in seen.attempts]
        sandbox = seen.first("sandbox")
        return {
            "torre.trace_id": seen.trace_id,
            "torre.stage": seen.stage,
            "torre.outcome": seen.outcome,
            "torre.candidates": len(seen.of("verdict")),
            "torre.attempts": len(costs),
            "torre.cost_usd": sum(cost or 0 for cost in costs) / 1e6,
            "torre.unpriced": costs.count(None),
            **({"torre.exit_code": end["exit_code"]} if end else {}),
            **({"torre.isolation": str(sandbox.data["isolation"])} if sandbox else {}),
            **self._content(summary=end.get("summary"), diff=end.get("diff")),
        }

    def _prepare(self) -> Span | None:
        ready = self._seen.first("sandbox")
        return Span("torre.prepare", self._seen.began_s, ready.at) if ready else None

    def _reproduce(self) -> Span | None:
        ready, triage = self._seen.first("sandbox"), self._seen.first("triage")
        if ready is None:
            return None
        found = self._seen.first("checks")
        numbers = {check["name"]: n for n, check in enumerate(found.data["checks"] if found else (), 1)}
        results = self._seen.of("baseline")
        red = {event.data["check"] for event in results if event.data["outcome"] in _RED}
        told: dict[str, Value] = {"torre.checks": len(numbers), "torre.checks.red": len(red)}
        told |= self._content(reason=triage.data["reason"] if triage else None)
        checks = tuple(self._check(numbers.get(event.data["check"], 0), event) for event in results)
        return Span("torre.reproduce", ready.at, triage.at if triage else self._seen.ended_s, told, checks)

    def _check(self, number: int, event: Event) -> Span:
        outcome = str(event.data["outcome"])
        # Why a check was not run is a sentence, and names what the workspace lacks.
        known = outcome if outcome in ("green", *_RED) else "not run"
        told: dict[str, Value] = {"torre.check.number": number, "torre.check.outcome": known}
        told |= self._content(check=event.data["check"])
        return Span("torre.check", event.at - event.data["duration_s"], event.at, told)

    def _generate(self) -> Span | None:
        fixers = self._seen.of("fixer")
        if not fixers:
            return None
        verdicts = [e for e in self._seen.of("verdict") if not by_lane(e)]
        last = max(e.at for e in (*fixers, *verdicts))
        told = {"torre.candidates": len(verdicts), "torre.fixers": len({e.data["name"] for e in fixers})}
        return Span("torre.generate", fixers[0].at, last, told, tuple(self._evaluations(verdicts)))

    def _ask(self) -> Span | None:
        route = self._seen.first("route")
        if route is None:
            return None
        verdicts = [e for e in self._seen.of("verdict") if by_lane(e)]
        later = (*verdicts, *self._seen.of("asking", "answered", "lane_failed", "attempt"))
        told: dict[str, Value] = {
            "torre.rule": str(route.data["rule"]),
            "torre.route": str(route.data["reason"]),
            "torre.stub": bool(route.data["stub"]),
        }
        calls = tuple(self._attempt(event) for event in self._seen.attempts)
        ended_s = max((e.at for e in later), default=route.at)
        return Span("torre.ask", route.at, ended_s, told, (*calls, *self._evaluations(verdicts)))

    def _confirm(self, after_s: float) -> Span | None:
        """The second look: from the last verdict to the end of the run."""
        ended = self._seen.first("ended")
        if ended is None or not self._seen.end or not self._seen.of("verdict"):
            return None
        return Span("torre.confirm", after_s, ended.at, {"torre.outcome": self._seen.outcome})

    def _attempt(self, event: Event) -> Span:
        """The call itself; what it waited for before, and what was written down after it, are attributes."""
        row, told = event.data, self._of_attempt(event.data)
        error = "" if row["cause"] == Cause.OK else str(row["cause"])
        sent_s = row["began"] + row["queue_ms"] / 1000
        if not was_sent(row):
            return Span(f"held back {row['model']}", row["began"], sent_s, told, error=error)
        told |= called(row, self._settings.conventions) | used(row, self._settings.conventions)
        answered_s = sent_s + row["provider_ms"] / 1000
        return Span(f"{operation(row)} {row['model']}", sent_s, answered_s, told, call=True, error=error)

    def _of_attempt(self, row: Mapping[str, Any]) -> dict[str, Value]:
        perhaps: dict[str, Value | None] = {
            "torre.verdict": self._seen.verdict_on(row) or None,
            "torre.format": row["format"] or None,
            "torre.price_as_of": row["price_as_of"] or None,
            "torre.cost_usd": None if row["usd_micros"] is None else row["usd_micros"] / 1e6,
            "http.response.status_code": row["status"],
        }
        return {
            "torre.lane": row["lane"],
            "torre.stage": row["stage"],
            "torre.attempt": row["number"],
            "torre.cause": row["cause"],
            "torre.queue_ms": row["queue_ms"],
            "torre.overhead_ms": row["overhead_ms"],
            "torre.redacted": row["redacted"],
            **{name: value for name, value in perhaps.items() if value is not None},
            **self._content(error=row["error"]),
        }

    def _evaluations(self, verdicts: list[Event]) -> Iterator[Span]:
        passed = [e for e in verdicts if e.data["reason"] == "passed"]
        others = [e for e in verdicts if e.data["reason"] != "passed"]
        kept = passed[:_MOST_EVALUATED] + others[: max(0, _MOST_EVALUATED - len(passed))]
        yield from (self._evaluation(event) for event in sorted(kept, key=lambda e: e.seq))

    def _evaluation(self, event: Event) -> Span:
        data = event.data
        told: dict[str, Value] = {
            "torre.candidate": data["index"],
            "torre.lane": str(data["provider"]),
            "torre.verdict": str(data["reason"]),
            **({"torre.attempt": data["attempt"]} if data.get("attempt") else {}),
            **self._content(origin=data["origin"], detail=data["detail"]),
        }
        return Span("torre.evaluate", self._began.get(data["index"], event.at), event.at, told)

    def _content(self, **texts: Any) -> dict[str, Value]:
        """Texts as `torre.content.NAME`, if they are asked for."""
        if not self._settings.content:
            return {}
        return {f"torre.content.{name}": str(text)[:_MOST_CHARACTERS] for name, text in texts.items() if text}
