"""Google's Gemini protocol on the `google-genai` SDK."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm.providers.base import Answer, Call, Message
from llm.providers.diagnosis import diagnose
from llm.providers.exchange import LENGTH, LOADING, STOP, WITHHELD, Exchange, Piece, Pieces, converse
from llm.providers.stub import Stub

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse

_VERSIONED = re.compile(r"(?P<host>.*?)/(?P<version>v\d+(?:alpha|beta)?\d*)/?")
_FINISH = {"STOP": STOP, "MAX_TOKENS": LENGTH, "FINISH_REASON_UNSPECIFIED": ""}
_ROLES = {"user": "user", "assistant": "model"}


class GoogleProtocol:
    """One question, streamed. Source: the Gemini API reference, `streamGenerateContent`."""

    protocol = "google"

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        """One attempt. Raises ProviderFailure."""
        return converse(call, _pieces, diagnose, on_text)

    def warm(self) -> None:
        """Import the SDK, which takes longer than a call: done while there is nothing to ask yet."""
        with LOADING:
            from google import genai  # noqa: F401

            from llm.providers.connection import prepare

            prepare()


class GoogleStub(Stub):
    """`google/gemini-1.5` without a network."""

    name = "google/gemini-1.5"
    note = "gemini: multimodal fix stub"


def _pieces(exchange: Exchange) -> Pieces:
    call = exchange.call
    generate = _client(*_address(call), call.api_key).models.generate_content_stream
    request = _request(call)
    exchange.restart()
    for response in generate(**request):
        yield _piece(response)


def _address(call: Call) -> tuple[str, str]:
    """Host and API version: what the base URL ends with; else v1, and v1beta for the aliases (`*-latest`)."""
    named = _VERSIONED.fullmatch(call.base_url)
    if named is not None:
        return named["host"], named["version"]
    return call.base_url, "v1beta" if call.model.endswith("-latest") else "v1"


@lru_cache(maxsize=32)
def _client(host: str, version: str, api_key: str) -> Client:
    WIRE.warm()
    import httpx2
    from google.genai import Client, types

    from llm.providers.connection import http_client, silence

    silence()
    options = types.HttpOptions(
        base_url=host,
        api_version=version,
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_client=http_client({"x-goog-api-key": api_key} if api_key else {}),
        # Never used; without one the SDK builds its own, with another set of certificates.
        httpx_async_client=httpx2.AsyncClient(transport=httpx2.AsyncBaseTransport()),
    )
    return Client(vertexai=False, api_key=api_key or "none", http_options=options)


def _request(call: Call) -> dict[str, Any]:
    from google.genai import types

    config = types.GenerateContentConfig(
        system_instruction=call.system,
        max_output_tokens=call.max_tokens,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    return {"model": call.model, "contents": [_content(message) for message in call.messages], "config": config}


def _content(message: Message) -> Any:
    from google.genai import types

    images = [types.Part.from_bytes(data=image.data, mime_type=image.media_type) for image in message.images]
    return types.Content(role=_ROLES[message.role], parts=[types.Part(text=message.text), *images])


def _piece(response: GenerateContentResponse) -> Piece:
    text, finish, alive = "", "", False
    if response.prompt_feedback is not None and response.prompt_feedback.block_reason:
        finish = WITHHELD
    for candidate in (response.candidates or [])[:1]:
        parts = (candidate.content.parts if candidate.content else None) or []
        text = "".join(part.text or "" for part in parts if not part.thought)
        alive = any(part.thought for part in parts)
        finish = _FINISH.get(candidate.finish_reason.value, WITHHELD) if candidate.finish_reason else finish
    usage = response.usage_metadata
    if usage is None:
        return Piece(text, finish, alive=alive)
    written = [count for count in (usage.candidates_token_count, usage.thoughts_token_count) if count is not None]
    out = sum(written) if written else None
    return Piece(text, finish, usage.prompt_token_count, out, usage.cached_content_token_count, alive)


WIRE = GoogleProtocol()
