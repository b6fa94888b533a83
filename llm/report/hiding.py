"""What a report tells in a workspace's own words (output, messages, test names): never a secret."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from llm.workspace.secrets import redact, without_keys

_SHORTEST_SECRET = 8


def without_secrets(value: Any, keys: Collection[str] = ()) -> Any:
    """The same value with these configured keys and what looks like a secret blacked out in every text.

    Not for diffs: they must apply.
    """
    return each_text(value, lambda text: hidden(text, keys))


def hidden(text: str, keys: Collection[str] = ()) -> str:
    """One text without these configured keys and without what looks like a secret."""
    plain = without_keys(text, keys)
    return redact(plain)[0] if len(plain) >= _SHORTEST_SECRET else plain


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
