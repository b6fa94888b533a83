"""The `openai` SDK by itself, as its vendor ships it: what every other way is measured on top of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def caller(terms: dict[str, Any]) -> Callable[[], bool]:
    """One call, streamed or whole, without retries."""
    from openai import OpenAI

    client = OpenAI(api_key="none", base_url=terms["base_url"], max_retries=0)
    request: dict[str, Any] = {"model": "m", "messages": terms["messages"], "max_tokens": terms["max_tokens"]}
    streamed: dict[str, Any] = (
        {"stream": True, "stream_options": {"include_usage": True}} if terms["stream"] else {}
    )

    def call() -> bool:
        answer: Any = client.chat.completions.create(**request, **streamed)
        if not streamed:
            return bool(answer.choices[0].message.content)
        with answer as events:
            return sum(bool(chunk.choices) for chunk in events) > 0

    return call
