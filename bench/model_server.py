"""A model that answers at once, or after `delay_s`, by three vendors' protocols: the other end of the benchmarks.

A process of its own, so that its CPU time is nobody else's. It counts the questions that really arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

TOKENS_IN, TOKENS_OUT = 95, 22
"""What an answer is said to have used: $0.000315 at $1 and $10 a million tokens."""
USD_PER_TOKEN_IN, USD_PER_TOKEN_OUT = 1e-6, 1e-5

_PIECES = 8
_USAGE = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}


@dataclass(frozen=True)
class ModelServer:
    """Where it listens, and what arrived there."""

    url: str

    def base(self, protocol: str = "openai") -> str:
        """What a client of this protocol is given as its base URL."""
        return self.url + {"openai": "/v1", "anthropic": "", "google": "/v1beta"}[protocol]

    def questions(self) -> int:
        """How many arrived since this was asked last."""
        with urlopen(f"{self.url}/questions", timeout=10) as answer:
            return int(json.load(answer))


@contextlib.contextmanager
def model_server(text: str = "fixed", delay_s: float = 0.0) -> Iterator[ModelServer]:
    """Answers with `text`, `delay_s` after the question."""
    argv = [sys.executable, "-m", "bench.model_server", text, str(delay_s)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ModelServer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


class _Model:
    def __init__(self, text: str, delay_s: float) -> None:
        self._answers = {path: make(text) for path, make in _DIALECTS.items()}
        self._plain = _head("application/json", _openai_whole(text))
        self._delay_s = delay_s
        self._questions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, length = head.partition(b"content-length:")
                body = await reader.readexactly(int(length.split(b"\r\n")[0] or 0))
                writer.write(await self._answer(head.split(b"\r\n")[0], body))
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes, body: bytes) -> bytes:
        if line.startswith(b"get"):
            told, self._questions = self._questions, 0
            return _head("application/json", json.dumps(told).encode())
        self._questions += 1
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        path = next(path for path in self._answers if path in line)
        streamed = b"completions" not in line or json.loads(body).get("stream")
        return self._answers[path] if streamed else self._plain


def _head(kind: str, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (kind.encode(), len(body)) + body


def _events(*events: Any, names: bool = False, end: bytes = b"") -> bytes:
    lines = ((f"event: {e['type']}\n" if names else "") + f"data: {json.dumps(e)}\n\n" for e in events)
    return _head("text/event-stream", "".join(lines).encode() + end)


def _pieces(text: str) -> list[str]:
    step = -(-len(text) // _PIECES)
    return [text[start : start + step] for start in range(0, len(text), step)]


def _openai_whole(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps({**whole, "usage": _USAGE}).encode()


def _openai(text: str) -> bytes:
    frame = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    said = [chunk({"role": "assistant", "content": piece}) for piece in _pieces(text)]
    usage = {**frame, "choices": [], "usage": _USAGE}
    return _events(*said, chunk({}, "stop"), usage, end=b"data: [DONE]\n\n")


def _anthropic(text: str) -> bytes:
    message = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
    start = {**message, "usage": {"input_tokens": TOKENS_IN, "output_tokens": 1}}
    said = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in _pieces(text)
    ]
    usage = {"output_tokens": TOKENS_OUT}
    end = [
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]
    opening = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return _events({"type": "message_start", "message": start}, opening, *said, *end, names=True)


def _google(text: str) -> bytes:
    def part(piece: str, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0, **more}]}

    return _events(*map(part, _pieces(text)), part("", finishReason="STOP"))


_DIALECTS = {b"/chat/completions": _openai, b"/v1/messages": _anthropic, b":streamgeneratecontent": _google}


async def _main(text: str, delay_s: float) -> None:
    server = await asyncio.start_server(_Model(text, delay_s).serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2])))
