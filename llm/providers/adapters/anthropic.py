"""Anthropic's Messages protocol on the `anthropic` SDK."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm.providers.base import Answer, Call, Message
from llm.providers.diagnosis import diagnose
from llm.providers.exchange import LENGTH, LOADING, STOP, WITHHELD, Exchange, Piece, Pieces, converse
from llm.providers.stub import Stub

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types import RawMessageStreamEvent

_FINISH = {"max_tokens": LENGTH, "model_context_window_exceeded": LENGTH, "refusal": WITHHELD}


class AnthropicProtocol:
    """One question, streamed. Source: the Messages reference."""

    protocol = "anthropic"

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        """One attempt. Raises ProviderFailure."""
        return converse(call, _pieces, diagnose, on_text)

    def warm(self) -> None:
        """Import the SDK, which takes longer than a call: done while there is nothing to ask yet."""
        with LOADING:
            import anthropic.resources.messages  # noqa: F401

            from llm.providers.connection import prepare

            prepare()


class AnthropicStub(Stub):
    """`anthropic/claude-3.5` without a network."""

    name = "anthropic/claude-3.5"
    note = "anthropic: long context fix stub"


def _pieces(exchange: Exchange) -> Pieces:
    call = exchange.call
    create = _client(call.base_url, call.api_key).messages.create
    exchange.restart()
    with create(**_request(call)) as stream:
        for event in stream:
            yield _piece(event)


@lru_cache(maxsize=32)
def _client(base_url: str, api_key: str) -> Anthropic:
    WIRE.warm()
    from anthropic import Anthropic

    from llm.providers.connection import http_client, silence

    silence()
    return Anthropic(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        open_telemetry=False,
        http_client=http_client({"authorization": f"Bearer {api_key}"} if api_key else {}),
    )


def _request(call: Call) -> dict[str, Any]:
    return {
        "model": call.model,
        "system": call.system,
        "messages": [_message(message) for message in call.messages],
        "max_tokens": call.max_tokens,
        "stream": True,
        "timeout": call.total_s,
    }


def _message(message: Message) -> dict[str, Any]:
    images = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": i.media_type, "data": b64encode(i.data).decode("ascii")},
        }
        for i in message.images
    ]
    return {"role": message.role, "content": [*images, {"type": "text", "text": message.text}]}


def _piece(event: RawMessageStreamEvent) -> Piece:
    if event.type == "message_start":
        return _usage(event.message.usage)
    if event.type == "content_block_delta":
        return Piece(event.delta.text) if event.delta.type == "text_delta" else Piece(alive=True)
    if event.type == "message_delta":
        reason = event.delta.stop_reason
        return _usage(event.usage, _FINISH.get(reason, STOP) if reason else "")
    return Piece()


def _usage(usage: Any, finish: str = "") -> Piece:
    """Their input tokens leave out what the cache gave; Torre's are all that were read."""
    if usage is None:
        return Piece(finish=finish)
    cached, stored = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    fresh = usage.input_tokens
    read = None if fresh is None else fresh + (cached or 0) + (stored or 0)
    return Piece(finish=finish, tokens_in=read, tokens_out=usage.output_tokens, tokens_cached=cached)


WIRE = AnthropicProtocol()
