"""The network under all three SDKs: one pool of connections that keeps Torre's deadlines.

The SDKs take an httpx2 client. Ours reads in short slices, and between them looks at the attempt's clock and its
`cancel`: so a stall, a trickle of bytes and a cancellation end alike, at once, by closing the connection, and no
time-out of an SDK is relied on. Imported when a lane is live, never at start.
"""

from __future__ import annotations

import atexit
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import cache
from itertools import islice
from threading import Thread
from typing import Any, TypeVar

import httpcore2
import httpx2

from llm.providers.base import Cause
from llm.providers.exchange import SLICE_S, Exchange, Stopped, current

_Result = TypeVar("_Result")

_WRITE_BYTES = 65_536
_ERROR_BODY_BYTES = 65_536
_KEEPALIVE_S = 60.0
_LAST_BYTES_S = 0.05
_LAST_CHUNKS = 4
_LOGGERS = ("openai", "anthropic", "google_genai", "google", "httpx2", "httpcore2", "httpx", "httpcore")
_ACCOUNT_HEADERS = (
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-goog-user-project",
    "openai-organization",
    "openai-project",
    "anthropic-workspace-id",
    "anthropic-user-profile-id",
    "cookie",
)


def http_client(account: Mapping[str, str]) -> httpx2.Client:
    """A client for one vendor's SDK. `account` are the headers that say who pays, and no others are sent.

    The SDKs read keys, organisations and whole headers from the environment; only what the Call names may leave.
    Proxies and `.netrc` are not read, redirects not followed: they would take a key to a host nobody named.
    """

    def identify(request: httpx2.Request) -> None:
        for name in _ACCOUNT_HEADERS:
            request.headers.pop(name, None)
        request.headers.update(account)

    return httpx2.Client(
        transport=_transport(), trust_env=False, follow_redirects=False, event_hooks={"request": [identify]}
    )


def prepare() -> None:
    """Load what a first call would wait for: the network's own modules and the certificates."""
    _transport()


def silence() -> None:
    """Nothing of an SDK is logged: at debug level they write whole prompts, and their switch is a variable."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _LOGGERS:
            logging.getLogger(name).disabled = True
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def cause_of(error: BaseException | None, answered: bool) -> Cause | None:
    """What an exception of the network, however wrapped, means; None if it is none of the network's."""
    while error is not None:
        if isinstance(error, httpcore2.TimeoutException):
            return Cause.TIMEOUT
        if isinstance(error, httpcore2.NetworkError | httpcore2.RemoteProtocolError):
            return Cause.TRUNCATED if answered else Cause.UNREACHABLE
        error = error.__cause__ or error.__context__
    return None


@cache
def _transport() -> _Transport:
    """One pool for the whole process, so that the certificates are loaded once."""
    transport = _Transport()
    atexit.register(transport.close)
    return transport


class _Transport(httpx2.BaseTransport):
    """httpx2 on a pool with our own sockets. Exceptions are the pool's: `cause_of` reads them."""

    def __init__(self) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=_Backend(),
            socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = current()
        url = request.url
        response = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions={},
            )
        )
        body = _Body(response.stream, exchange)
        exchange.opened = body
        answer = httpx2.Response(response.status, headers=response.headers, stream=body)
        if response.status >= httpx2.codes.MULTIPLE_CHOICES:
            answer = httpx2.Response(response.status, headers=response.headers, content=_beginning(body))
            exchange.body = answer.content
        exchange.status, exchange.headers = response.status, answer.headers
        return answer

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The bytes of an answer; closing it gives the connection back, or cuts it if the answer is not over."""

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        self._stream = stream
        self._chunks = iter(stream)
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        if self._exchange.finish and self._exchange.stopped is None:
            self._read_to_the_end()
        self._stream.close()

    def _read_to_the_end(self) -> None:
        """An SDK stops at the mark that ends the text; the bytes after it let the connection be used again."""
        with (
            suppress(Stopped, httpcore2.NetworkError, httpcore2.ProtocolError),
            self._exchange.hurried(_LAST_BYTES_S),
        ):
            for _ in islice(self._chunks, _LAST_CHUNKS):
                pass


def _beginning(body: _Body) -> bytes:
    """As much of an error's body as may be worth reading."""
    read = b""
    for chunk in body:
        read += chunk
        if len(read) > _ERROR_BODY_BYTES:
            break
    body.close()
    return read[:_ERROR_BODY_BYTES]


class _Backend(httpcore2.NetworkBackend):
    """Opens sockets that keep the deadlines of the attempt they are used for."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        exchange = current()
        left = exchange.remaining_s()
        return _Stream(
            _aside(exchange, lambda: self._inner.connect_tcp(host, port, left, local_address, socket_options))
        )


class _Stream(httpcore2.NetworkStream):
    """A socket that is read in slices. Whose deadline holds is asked at each use: connections are reused."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = current()
        while True:
            left = exchange.remaining_s()
            try:
                data = self._inner.read(max_bytes, min(left, SLICE_S))
            except httpcore2.ReadTimeout:
                continue
            exchange.count_bytes(len(data))
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = current()
        for start in range(0, len(buffer), _WRITE_BYTES):
            left = exchange.remaining_s()
            exchange.sent = True
            self._inner.write(buffer[start : start + _WRITE_BYTES], left)

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        exchange = current()
        left = exchange.remaining_s()
        return _Stream(_aside(exchange, lambda: self._inner.start_tls(ssl_context, server_hostname, left)))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _aside(exchange: Exchange, connect: Callable[[], httpcore2.NetworkStream]) -> httpcore2.NetworkStream:
    """Connect in a thread of its own: a name lookup and a handshake cannot be interrupted, only left behind."""
    future: Future[httpcore2.NetworkStream] = Future()
    Thread(target=_fulfil, args=(future, connect), daemon=True).start()
    try:
        while not future.done():
            wait([future], min(exchange.remaining_s(), SLICE_S))
    except BaseException:
        future.add_done_callback(_close_late)
        raise
    return future.result()


def _fulfil(future: Future[httpcore2.NetworkStream], connect: Callable[[], httpcore2.NetworkStream]) -> None:
    try:
        future.set_result(connect())
    except Exception as error:  # noqa: BLE001  (handed to the thread that waits)
        future.set_exception(error)


def _close_late(future: Future[httpcore2.NetworkStream]) -> None:
    if future.exception() is None:
        future.result().close()
