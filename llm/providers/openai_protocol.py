"""OpenAI's chat protocol on the `openai` SDK: what OpenAI speaks, and every server that is compatible with it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llm.providers.base import Answer, Call, Message
from llm.providers.diagnosis import diagnose
from llm.providers.exchange import LENGTH, LOADING, STOP, WITHHELD, Exchange, Piece, Pieces, converse

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletionChunk

_FINISH = {"length": LENGTH, "content_filter": WITHHELD}
_NO_KEY = "none"


class OpenAIProtocol:
    """One question, streamed. Source: the Chat Completions reference."""

    protocol = "openai"

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        """One attempt. Raises ProviderFailure."""
        return converse(call, _pieces, diagnose, on_text)

    def warm(self) -> None:
        """Import the SDK, which takes longer than a call: done while there is nothing to ask yet."""
        with LOADING:
            import openai.types.chat  # noqa: F401

            from llm.providers.connection import prepare

            prepare()


def _pieces(exchange: Exchange) -> Pieces:
    """The SDK's own `post`: `chat.completions.create` walks over every field once more, a fifth of a call."""
    call = exchange.call
    client = _client(call.base_url, call.api_key)
    from openai import Stream  # only now: the client's maker holds the lock under which all of it is loaded
    from openai.types.chat import ChatCompletionChunk

    exchange.restart()
    with client.post(
        "/chat/completions",
        body=_request(call),
        options={"timeout": call.total_s},
        cast_to=ChatCompletionChunk,
        stream=True,
        stream_cls=Stream[ChatCompletionChunk],
    ) as stream:
        for chunk in stream:
            yield _piece(chunk)


@lru_cache(maxsize=32)
def _client(base_url: str, api_key: str) -> OpenAI:
    OpenAIProtocol().warm()
    from openai import OpenAI

    from llm.providers.connection import http_client, silence

    silence()
    account = {"authorization": f"Bearer {api_key}"} if api_key else {}
    return OpenAI(
        api_key=api_key or _NO_KEY,
        base_url=base_url,
        max_retries=0,
        http_client=http_client(account),
    )


def _request(call: Call) -> dict[str, Any]:
    """OpenAI itself refuses `max_tokens` for its newer models; others know nothing else."""
    theirs = (urlsplit(call.base_url).hostname or "").endswith(("api.openai.com", ".openai.azure.com"))
    return {
        "model": call.model,
        "messages": [{"role": "system", "content": call.system}, *map(_message, call.messages)],
        "max_completion_tokens" if theirs else "max_tokens": call.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    urls = [f"data:{i.media_type};base64,{b64encode(i.data).decode('ascii')}" for i in message.images]
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": message.role, "content": [{"type": "text", "text": message.text}, *images]}


def _piece(chunk: ChatCompletionChunk) -> Piece:
    """The last event has the usage and no choices; a refusal comes as text of its own."""
    usage, text, finish, alive = chunk.usage, "", "", False
    for choice in chunk.choices[:1]:
        text = choice.delta.content or ""
        alive = bool(getattr(choice.delta, "reasoning_content", None) or getattr(choice.delta, "reasoning", None))
        finish = _FINISH.get(choice.finish_reason, STOP) if choice.finish_reason else ""
        finish = WITHHELD if choice.delta.refusal else finish
    if usage is None:
        return Piece(text, finish, alive=alive)
    details = usage.prompt_tokens_details
    cached = details.cached_tokens if details else None
    return Piece(text, finish, usage.prompt_tokens, usage.completion_tokens, cached, alive)
