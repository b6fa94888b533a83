"""The policy file as it is written: one frozen type a table, every key optional. The runtime form is `Policy`.

These types are the one place that says which keys there are: the reader checks against them, and the JSON Schema
for editors is generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llm.providers.models import Price, Protocol

StageName = Literal["types", "build", "tests", "style", "docs", "general", "assets"]
"""What a route is for; `assets` is a request that carries some."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that one lane may use; None is not capped. Money in USD."""

    rpm: int | None = None
    daily_calls: int | None = None
    tpm: int | None = None
    daily_tokens: int | None = None
    daily_usd: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that all lanes together may cost, in USD: a day, and one run."""

    daily_usd: float | None = None
    run_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What differs from the default row of a lane; a lane of the user's own needs protocol, model and base_url."""

    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    protocol: Protocol | None = None
    vision: bool | None = None
    price: Price | Literal["free"] | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """What a candidate may do although a rule says no: `paths` are globs, `suppressions` noqa and its kin."""

    paths: tuple[str, ...] = ()
    suppressions: bool = False


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """All keys of `providers.yaml`; None is "not written"."""

    allowed: tuple[str, ...] | None = None
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    providers: bool | None = None
    budget: Budget = field(default_factory=Budget)
    timezone: str | None = None
    models: Mapping[str, ModelRow] = field(default_factory=dict)
    routes: Mapping[StageName, tuple[str, ...]] = field(default_factory=dict)
    escalate: Literal["red", "always"] | None = None
    race: bool | None = None
    samples: int | None = None
    rounds: int | None = None
    stubs: bool | None = None
    redact: bool | None = None
    protected: tuple[str, ...] = ()
    allow: Allow = field(default_factory=Allow)
    isolation: Literal["strong", "full", "reduced"] | None = None


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
