"""What the tests of the wires ask, and whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llm import plugins
from llm.providers.base import Call, Message, Wire

PROTOCOLS = ("openai", "anthropic", "google")
KEY = "sk-planted-0123456789abcdef"
PROMPT = "planted-prompt-of-a-secret-project"


def warm_wire(protocol: str) -> Wire:
    """A wire by its file's name, its SDK imported before any clock runs."""
    found = plugins.load("providers.adapters", protocol, "WIRE")
    found.warm()
    wire: Wire = found
    return wire


def asking(base_url: str, text: str = PROMPT, **changes: Any) -> Call:
    """A call with a planted key and prompt, and patience for a busy machine."""
    call = Call(
        "gpt-4o", base_url, KEY, "You repair builds.", (Message("user", text),), first_byte_s=60.0, total_s=120.0
    )
    return replace(call, **changes)
