"""Torre's wire without the ledger and the trace around it: what governing a call is on top of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.callers.torre import question
from llm.providers.router import wire_of


def caller(terms: dict[str, Any]) -> Callable[[], bool]:
    """One streamed call."""
    wire, asked = wire_of("openai"), question(terms)
    wire.warm()
    return lambda: bool(wire.ask(asked).text)
