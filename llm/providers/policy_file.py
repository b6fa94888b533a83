"""The policy file as it is written: one frozen type a table, every key optional. The runtime form is `Policy`.

These types are the one place that says which keys there are, and in what words: the reader checks against them,
and the JSON Schema for editors and the reference in the docs are generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from llm.providers.models import Price

StageName = Literal["types", "build", "tests", "style", "docs", "general", "assets"]
"""What a route is for; `assets` is a request that carries some."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that one lane may use. A key that is not there is no cap."""

    rpm: Annotated[int | None, "calls in any 60 seconds"] = None
    daily_calls: Annotated[int | None, "calls in a calendar day of `timezone`"] = None
    tpm: Annotated[int | None, "tokens, in and out, in any 60 seconds"] = None
    daily_tokens: Annotated[int | None, "tokens, in and out, in a calendar day"] = None
    daily_usd: Annotated[float | None, "USD in a calendar day; a lane without a price is not asked then"] = None
    concurrency: Annotated[int | None, "calls at once, over all processes"] = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that all lanes together may cost. A lane without a price is not asked then."""

    daily_usd: Annotated[float | None, "USD in a calendar day of `timezone`"] = None
    run_usd: Annotated[float | None, "USD in one run"] = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What differs from the default row of a lane. A lane of your own needs protocol, model and base_url."""

    model: Annotated[str | None, "the model's name, as its vendor knows it"] = None
    base_url: Annotated[str | None, "where calls go, such as `http://localhost:11434/v1`"] = None
    api_key_env: Annotated[str | None, "the variable that holds the key; never the key"] = None
    protocol: Annotated[str | None, "what the server speaks"] = None
    vision: Annotated[bool | None, "it may be sent pictures"] = None
    price: Annotated[Price | Literal["free"] | None, "USD a million tokens; your own machine is `free`"] = None


@dataclass(frozen=True, slots=True)
class Allow:
    """What a candidate may do although a rule says no."""

    paths: Annotated[tuple[str, ...], "globs of protected files that it may change"] = ()
    suppressions: Annotated[bool, "it may silence a check: `noqa`, `type: ignore` and their kin"] = False


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """Which lanes Torre may ask, and how much. Every key is optional."""

    allowed: Annotated[tuple[str, ...] | None, "the lanes that may be called; an empty list: none"] = None
    quotas: Annotated[Mapping[str, Quota], "the most that each lane may use"] = field(default_factory=dict)
    providers: Annotated[bool | None, "lanes may be asked, as with PROVIDERS_V1=1"] = None
    budget: Annotated[Budget, "the most that all lanes together may cost"] = field(default_factory=Budget)
    timezone: Annotated[str | None, "whose calendar days `daily_*` count, such as Europe/Paris"] = None
    models: Annotated[Mapping[str, ModelRow], "what a lane calls; a lane of your own is a row here"] = field(
        default_factory=dict
    )
    routes: Annotated[Mapping[StageName, tuple[str, ...]], "which lanes are asked for what, in order"] = field(
        default_factory=dict
    )
    escalate: Annotated[
        Literal["red", "always"] | None,
        "red: ask lanes only where the embedded fixers proved nothing; always: race them",
    ] = None
    race: Annotated[bool | None, "the first proven candidate ends it; false: wait for all, take the best"] = None
    samples: Annotated[int | None, "candidates a lane"] = None
    rounds: Annotated[int | None, "attempts a lane; the later ones are told what failed"] = None
    stubs: Annotated[bool | None, "offline stand-ins answer, and nobody is called"] = None
    redact: Annotated[bool | None, "secrets are taken out before a prompt leaves"] = None
    protected: Annotated[tuple[str, ...], "globs that no candidate may touch, beside the built-in rules"] = ()
    allow: Annotated[Allow, "what a candidate may do although a rule says no"] = field(default_factory=Allow)
    isolation: Annotated[
        Literal["strong", "full", "reduced"] | None, "the least that a run accepts; `strong` is gVisor's `runsc`"
    ] = None


RANGES: Mapping[str, tuple[int, int]] = {
    "daily_usd": (0, 1_000_000),
    "run_usd": (0, 1_000_000),
    "input": (0, 100_000),
    "output": (0, 100_000),
    "cached_input": (0, 100_000),
    "samples": (1, 8),
    "rounds": (1, 5),
    "concurrency": (0, 1000),
}
"""Smallest and largest value of a key; every other number is at least 0 and at most `LARGEST`."""

LARGEST = 10**12
"""Above this a sum of micro-USD could leave what every store counts exactly."""

PATTERNS: Mapping[str, tuple[str, str]] = {
    "base_url": (
        r"^(https?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?|replay://)(/[A-Za-z0-9._~/%:-]*)?$",
        "http:// or https://, a host, and no user, query or fragment; or replay:// and a path",
    ),
    "api_key_env": (r"^[A-Za-z_][A-Za-z0-9_]{0,127}$", "the name of an environment variable, never a key"),
}
"""The form of a text and how it is told in words; the text itself is never repeated, it may be a secret."""

LANE = r"^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9._:-]*$"
"""A lane: vendor/model."""
