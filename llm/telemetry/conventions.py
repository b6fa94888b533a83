"""The GenAI names of one call to a lane, old and new, literally: the constants of the Python packages are moving.

Old is OpenTelemetry's semantic conventions 1.36, which instrumentations keep to unless they are told otherwise:
`gen_ai.system`, `gen_ai.client.token.usage`, `gen_ai.client.operation.duration`. New is the GenAI conventions of
October 2026: `gen_ai.provider.name`, `gen_ai.client.inference.*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from llm.providers.base import Cause
from llm.telemetry.seen import Seen, was_sent
from llm.telemetry.settings import Convention

Value = str | int | float | bool
Attributes = Mapping[str, Value]

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(float(4**power) for power in range(14))
RUN_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1200.0)

_OPERATIONS = {"google": "generate_content"}
"""By protocol; the others chat."""
_VENDORS = {"google": "gcp.gemini", "mistral": "mistral_ai"}
"""By the vendor in a lane's name, where both versions of the conventions know it by another."""
_NEW_VENDORS = {"moonshot": "moonshot_ai", "xai": "x_ai"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement. `bounds` are a histogram's buckets."""

    name: str
    kind: Literal["histogram", "counter"]
    unit: str
    value: float
    attributes: Attributes
    bounds: tuple[float, ...] = ()


def called(attempt: Mapping[str, Any], conventions: frozenset[Convention]) -> dict[str, Value]:
    """The attributes of a call that spans and metrics share."""
    vendor = str(attempt["lane"]).partition("/")[0]
    names: dict[str, Value] = {
        "gen_ai.operation.name": operation(attempt),
        "gen_ai.request.model": attempt["model"],
    }
    if Convention.OLD in conventions:
        names["gen_ai.system"] = _VENDORS.get(vendor, vendor)
    if Convention.NEW in conventions:
        names["gen_ai.provider.name"] = (_VENDORS | _NEW_VENDORS).get(vendor, vendor)
    if attempt["cause"] != Cause.OK:
        names["error.type"] = attempt["cause"]
    return names


def operation(attempt: Mapping[str, Any]) -> str:
    """What the call does, by the conventions' closed set."""
    return _OPERATIONS.get(attempt["protocol"], "chat")


def used(attempt: Mapping[str, Any], conventions: frozenset[Convention]) -> dict[str, Value]:
    """What a call's span says of tokens and of how the answer came."""
    tokens: dict[str, Value] = {
        "gen_ai.usage.input_tokens": attempt["tokens_in"],
        "gen_ai.usage.output_tokens": attempt["tokens_out"],
    }
    if Convention.NEW in conventions:
        tokens["gen_ai.request.stream"] = True
        tokens["gen_ai.usage.cache_read.input_tokens"] = attempt["tokens_cached"]
        if attempt["first_byte_ms"]:
            tokens["gen_ai.response.time_to_first_chunk"] = attempt["first_byte_ms"] / 1000
    return tokens


def measures(seen: Seen, conventions: frozenset[Convention]) -> Iterator[Measure]:
    """What a run adds to the metrics. No attribute has more than a few values: no id, no path, no text."""
    ended: Attributes = {"torre.stage": seen.stage, "torre.outcome": seen.outcome}
    yield Measure("torre.run.duration", "histogram", "s", seen.ended_s - seen.began_s, ended, RUN_SECONDS)
    for event in seen.attempts:
        if was_sent(event.data):
            yield from _of_call(event.data, conventions)
            yield _cost(seen, event.data)


def _cost(seen: Seen, attempt: Mapping[str, Any]) -> Measure:
    """An unknown price adds nothing; the span says that it is unknown."""
    labels = {
        "torre.provider": attempt["lane"],
        "torre.model": attempt["model"],
        "torre.stage": attempt["stage"] or seen.stage,
        "torre.outcome": seen.verdict_on(attempt) or attempt["cause"],
    }
    return Measure("torre.cost", "counter", "USD", (attempt["usd_micros"] or 0) / 1e6, labels)


def _of_call(attempt: Mapping[str, Any], conventions: frozenset[Convention]) -> Iterator[Measure]:
    for convention in sorted(conventions):
        of_call = called(attempt, frozenset({convention}))
        yield from (_old if convention is Convention.OLD else _new)(attempt, of_call)


def _old(attempt: Mapping[str, Any], of_call: dict[str, Value]) -> Iterator[Measure]:
    yield _duration("gen_ai.client.operation.duration", attempt, of_call)
    of_tokens = {name: value for name, value in of_call.items() if name != "error.type"}
    for kind in ("input", "output"):
        count = attempt[_TOKENS_OF[kind]]
        typed = {**of_tokens, "gen_ai.token.type": kind}
        yield Measure("gen_ai.client.token.usage", "histogram", "{token}", count, typed, TOKENS)


def _new(attempt: Mapping[str, Any], of_call: dict[str, Value]) -> Iterator[Measure]:
    yield _duration("gen_ai.client.inference.duration", attempt, of_call)
    of_tokens = {name: value for name, value in of_call.items() if name != "error.type"}
    of_usage = {**of_tokens, "gen_ai.token.modality": "unknown"}
    for kind, count in _TOKENS_OF.items():
        name = f"gen_ai.client.inference.usage.{kind}_tokens"
        yield Measure(name, "counter", "{token}", attempt[count], of_usage)
    for kind in ("input", "output"):
        name = f"gen_ai.client.inference.operation.{kind}_tokens"
        yield Measure(name, "histogram", "{token}", attempt[_TOKENS_OF[kind]], of_tokens, TOKENS)
    if attempt["first_byte_ms"]:
        name, waited_s = "gen_ai.client.inference.time_to_first_chunk", attempt["first_byte_ms"] / 1000
        yield Measure(name, "histogram", "s", waited_s, of_tokens, SECONDS)


_TOKENS_OF = {"input": "tokens_in", "output": "tokens_out", "cache_read.input": "tokens_cached"}


def _duration(name: str, attempt: Mapping[str, Any], of_call: Attributes) -> Measure:
    return Measure(name, "histogram", "s", attempt["provider_ms"] / 1000, of_call, SECONDS)
