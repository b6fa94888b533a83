"""The dated table: what each default lane calls today, and at what price.

The lanes' ids name models that their vendors have retired; the rows below are what they stand for. Each model
is in the list of its vendor's own SDK, or, where the SDK has none, in its examples (a test looks). Prices are
list prices in USD a million tokens, from genai-prices (`PRICE_SOURCE`). Under a new date the rows are edited
here and nowhere else; a policy's `models:` overrides them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Annotated

AS_OF = "2026-11-22"
PRICE_SOURCE = "genai-prices 0.2.3"


@dataclass(frozen=True, slots=True)
class Price:
    """USD a million tokens, which is micro-USD a token."""

    input: Annotated[float, "of what is sent"]
    output: Annotated[float, "of what is answered"]
    cached_input: Annotated[float | None, "of what is sent and was cached, else as the rest"] = None


FREE = Price(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Model:
    """What a lane calls. The key is in the first of `api_key_env` that is set; with none, no key is sent.

    `protocol` is the file in `adapters/` that speaks it. `price` is None where it is unknown: under a cap in money
    the lane is skipped, and its usage is unpriced. `price_as_of` and `price_source` go into the record with every
    cost.
    """

    lane: str
    protocol: str
    model: str
    base_url: str
    api_key_env: tuple[str, ...] = ()
    vision: bool = False
    price: Price | None = None
    price_as_of: str = ""
    price_source: str = ""

    def cost_usd_micros(self, tokens_in: int, tokens_out: int, tokens_cached: int = 0) -> int | None:
        """Micro-USD of a call, rounded up. `tokens_in` includes the `tokens_cached`; None: unknown."""
        if self.price is None:
            return None
        cached = self.price.input if self.price.cached_input is None else self.price.cached_input
        cost = (
            (tokens_in - tokens_cached) * self.price.input
            + tokens_cached * cached
            + tokens_out * self.price.output
        )
        return math.ceil(round(cost, 6))


_ROWS = (
    Model(
        "anthropic/claude-3.5",
        "anthropic",
        "claude-sonnet-5-5",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        vision=True,
        price=Price(2.0, 10.0, 0.1),
        price_as_of=AS_OF,
        price_source=PRICE_SOURCE,
    ),
    # Requests of more than 272,000 input tokens cost twice as much; Torre's prompts are bounded far below that.
    Model(
        "openai/gpt-4o",
        "openai",
        "gpt-6.1-sol",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        vision=True,
        price=Price(2.0, 10.0, 0.1),
        price_as_of=AS_OF,
        price_source=PRICE_SOURCE,
    ),
    # Introductory price through 2026-12-31; both are the vendor's announced list prices.
    Model(
        "google/gemini-1.5",
        "google",
        "gemini-3.8-flash",
        "https://generativelanguage.googleapis.com",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        vision=True,
        price=Price(1.5, 7.5, 0.15) if date.today() >= date(2027, 1, 1) else Price(0.75, 3.75, 0.075),
        price_as_of=AS_OF,
        price_source=PRICE_SOURCE,
    ),
    Model(
        "local/qwen2.5-7b",
        "openai",
        "qwen2.5-coder:7b",
        "http://localhost:11434/v1",
        price=FREE,
        price_as_of=AS_OF,
        price_source="runs on your own machine",
    ),
)

DEFAULT_MODELS: Mapping[str, Model] = MappingProxyType({row.lane: row for row in _ROWS})
"""The four lanes, in the order of the contract's rules."""
