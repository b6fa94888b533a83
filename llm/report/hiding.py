"""What a report tells in a workspace's own words (output, messages, test names): never a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from llm.workspace.secrets import redact

_SHORTEST_SECRET = 12


def without_secrets(value: Any) -> Any:
    """The same value with what looks like a secret blacked out in every text. Not for diffs: they must apply."""
    return each_text(value, hidden)


def hidden(text: str) -> str:
    """One text without what looks like a secret."""
    return redact(text)[0] if len(text) >= _SHORTEST_SECRET else text


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text in it changed; tuples, lists, mappings and dataclasses are gone through."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(each_text(item, change) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: each_text(getattr(value, f.name), change) for f in fields(value)})
    return value
