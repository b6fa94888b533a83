"""Servers for the wires: two protocol servers that nobody here wrote, and one that sends the bytes a test says.

The raw one is for what neither of the others can do: single bytes, dates in headers, cuts between two bytes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
AIMOCK = ROOT / "node_modules/@copilotkit/aimock/dist/cli.js"
READY_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(url: str, body: Any = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"content-type": "application/json"}, method=method)
    with urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def serving(argv: list[str], probe: str) -> Iterator[None]:
    """A server process, from the moment that it answers at `probe`."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + READY_S
            while not _answers(probe):
                assert process.poll() is None and time.monotonic() < until, f"{argv[0]} does not come up"
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        fetch(url)
    except (URLError, OSError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Llmock:
    """llmock (PyPI): answers and faults are queued over HTTP, and it counts what arrived."""

    url: str

    def base(self, protocol: str) -> str:
        return self.url + {"openai": "/v1", "anthropic": "/anthropic", "google": "/gemini/v1beta"}[protocol]

    def will(self, *behaviours: dict[str, Any]) -> None:
        fetch(f"{self.url}/_llmock/reset", {})
        fetch(f"{self.url}/_llmock/scenario", {"behaviors": list(behaviours)})

    def requests(self) -> list[dict[str, Any]]:
        served: list[dict[str, Any]] = fetch(f"{self.url}/_llmock/requests")["requests"]
        return served


@contextlib.contextmanager
def llmock_server() -> Iterator[Llmock]:
    server = Llmock(f"http://127.0.0.1:{free_port()}")
    port = server.url.rpartition(":")[2]
    command = Path(sys.executable).with_name("llmock")
    with serving([str(command), "serve", "-p", port], f"{server.url}/_llmock/scenario"):
        yield server


@dataclass(frozen=True)
class Aimock:
    """aimock (npm): answers by what the question contains, from a file."""

    url: str

    def base(self, protocol: str) -> str:
        return self.url + {"openai": "/v1", "anthropic": "", "google": "/v1beta"}[protocol]


@contextlib.contextmanager
def aimock_server(fixtures: Path) -> Iterator[Aimock]:
    server = Aimock(f"http://127.0.0.1:{free_port()}")
    port = server.url.rpartition(":")[2]
    argv = ["node", str(AIMOCK), "-p", port, "-f", str(fixtures), "--strict", "--log-level", "silent"]
    with serving(argv, f"{server.url}/__aimock/journal"):
        yield server


@dataclass
class RawServer:
    """Sends what `script` writes to each connection after a whole request has arrived on it."""

    script: Callable[[socket.socket], None] = field(default=lambda _: None)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    context: ssl.SSLContext | None = None
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client hung up before the script was over."""

    def __enter__(self) -> RawServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def base(self, protocol: str) -> str:
        return self.url + {"openai": "/v1", "anthropic": "", "google": "/v1beta"}[protocol]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError), self._secured(plain) as connection:
            while request := _read_request(connection):
                self.requests.append(request)
                self._answer(connection)

    def _secured(self, plain: socket.socket) -> socket.socket:
        return plain if self.context is None else self.context.wrap_socket(plain, server_side=True)

    def _answer(self, connection: socket.socket) -> None:
        try:
            self.script(connection)
        except OSError:
            self.gone.set()
            raise

    def hang_until_gone(self, connection: socket.socket) -> None:
        """Say nothing more until the client hangs up."""
        connection.settimeout(10)
        if connection.recv(1) == b"":
            self.gone.set()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += (chunk := connection.recv(65536))
        if not chunk:
            return b""
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = (int(lengths[0].split(b":")[1]) if lengths else 0) - len(body)
    while missing > 0:
        data += (chunk := connection.recv(65536))
        missing -= len(chunk)
    return data


def respond(
    status: int, body: bytes | str, headers: str = "", kind: str = "application/json"
) -> Callable[[socket.socket], None]:
    """A script: one whole answer, then the next request."""
    data = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{headers}\r\n"
    return lambda connection: connection.sendall(head.encode() + data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def event(data: object, name: str = "") -> bytes:
    """One server-sent event. `data` is written as ASCII JSON, so that an emoji is two escapes."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


@dataclass(frozen=True)
class Dialect:
    """How one vendor streams: for the raw server only."""

    protocol: str
    opening: bytes
    text: Callable[[str], bytes]
    ending: bytes


def _openai_chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def _gemini_chunk(text: str, **more: object) -> bytes:
    return event({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}]})


_START = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
DIALECTS = {
    "openai": Dialect(
        "openai",
        b"",
        lambda text: _openai_chunk({"content": text}),
        _openai_chunk({}, "stop") + b"data: [DONE]\n\n",
    ),
    "anthropic": Dialect(
        "anthropic",
        event(
            {"type": "message_start", "message": {**_START, "usage": {"input_tokens": 9, "output_tokens": 1}}},
            "message_start",
        ),
        lambda text: event(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
            "content_block_delta",
        ),
        event(
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
            "message_delta",
        )
        + event({"type": "message_stop"}, "message_stop"),
    ),
    "google": Dialect("google", b"", _gemini_chunk, _gemini_chunk("", finishReason="STOP")),
}
