"""One attempt under way: its clock, what the wire has seen of it, and how pieces of text become an `Answer`.

A wire turns its vendor's events into `Piece`s; `converse` does the rest in one place: time-outs, the size limit,
cancellation, the missing finish reason, and that nothing but a ProviderFailure gets out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from urllib.parse import urlsplit

from llm.providers.base import Answer, Call, Cause, ProviderFailure

LOADING = Lock()
"""Held while an SDK is imported: a thread that comes in by another module meanwhile would find half of it."""

SLICE_S = 0.1
"""How long a wait lasts before it looks at the clock and at `cancel` again."""
_BYTES_PER_CHARACTER = 64
_OVERHEAD_BYTES = 4_000_000

STOP, LENGTH, WITHHELD = "stop", "length", "withheld"
"""How an answer can finish, in Torre's words; "" is an answer that did not say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of a stream brought. Counts are running totals, None where the event says nothing.

    `alive` is True for an event that shows the model at work without adding text (thinking).
    """

    text: str = ""
    finish: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    alive: bool = False


class Closable(Protocol):
    """Something to close once the attempt is over."""

    def close(self) -> None:
        """Let go of the connection."""


class Stopped(Exception):
    """Raised inside a read or a wait to end the attempt; `Exchange.stopped` says why."""


class Exchange:
    """One attempt. `status`, `headers` and `body` are the server's, once known.

    `sent` is True as soon as a byte of the request may have left. `body` is read for error answers only.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.where = _host(call.base_url)
        self.started = time.monotonic()
        self.first_text: float | None = None
        self.sent = False
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""
        self.stopped: Cause | None = None
        self.opened: Closable | None = None
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.tokens_cached: int | None = None
        self.finish = ""
        self._received = 0

    def restart(self) -> None:
        """Start the clock: what came before was Torre's own (importing an SDK, building its client)."""
        self.started = time.monotonic()

    def remaining_s(self) -> float:
        """Seconds until the next deadline. Raises Stopped past it, or when nobody wants the answer any more."""
        if self.call.cancel is not None and self.call.cancel.is_set():
            self.stop(Cause.CANCELLED)
        waits_for_text = self.first_text is None
        limit = min(self.call.first_byte_s, self.call.total_s) if waits_for_text else self.call.total_s
        left = self.started + limit - time.monotonic()
        if left <= 0:
            self.stop(Cause.TIMEOUT)
        return left

    @contextmanager
    def hurried(self, seconds: float) -> Generator[None, None, None]:
        """A deadline of its own for what comes after the answer; missing it does not count."""
        self.started, started = time.monotonic() - self.call.total_s + seconds, self.started
        try:
            yield
        finally:
            self.started, self.stopped = started, None

    def stop(self, cause: Cause) -> None:
        """End the attempt here. Raises Stopped; the first cause stays."""
        self.stopped = self.stopped or cause
        raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a deadline or a cancellation. Raises Stopped."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self.remaining_s(), SLICE_S))

    def count_bytes(self, received: int) -> None:
        """Bound what is read whatever it decodes to. Raises Stopped."""
        self._received += received
        if self._received > self.call.max_chars * _BYTES_PER_CHARACTER + _OVERHEAD_BYTES:
            self.stop(Cause.TOO_LARGE)

    def note(self, piece: Piece) -> None:
        """Keep what a piece says of tokens, of the finish and of life."""
        if self.first_text is None and (piece.text or piece.alive):
            self.first_text = time.monotonic()
        self.finish = piece.finish or self.finish
        self.tokens_in = self.tokens_in if piece.tokens_in is None else piece.tokens_in
        self.tokens_out = self.tokens_out if piece.tokens_out is None else piece.tokens_out
        self.tokens_cached = self.tokens_cached if piece.tokens_cached is None else piece.tokens_cached

    def failure(self, cause: Cause, message: str) -> ProviderFailure:
        """A failure of this attempt, with what it is known to have used."""
        return ProviderFailure(
            cause,
            f"{self.where}: {message}",
            status=self.status or None,
            sent=self.sent,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
        )


def _host(base_url: str) -> str:
    """Whom a message is about: never the whole URL, which may hold a password."""
    try:
        return urlsplit(base_url).hostname or "the lane"
    except ValueError:
        return "the lane"


_CURRENT: ContextVar[Exchange] = ContextVar("exchange")


def current() -> Exchange:
    """The attempt that this thread is making: how the network layer, under an SDK, knows whom it works for."""
    return _CURRENT.get()


Pieces = Generator[Piece, None, None]
Diagnose = Callable[[Exchange, Exception], ProviderFailure]


def converse(
    call: Call, ask: Callable[[Exchange], Pieces], diagnose: Diagnose, on_text: Callable[[str], None]
) -> Answer:
    """Carry out one attempt. `ask` yields the pieces, `diagnose` names what any exception of an SDK means."""
    exchange = Exchange(call)
    token = _CURRENT.set(exchange)
    try:
        with closing(_guarded(exchange, ask(exchange), diagnose)) as pieces:
            text = _gather(exchange, pieces, on_text)
    finally:
        if exchange.opened is not None:
            exchange.opened.close()
        _CURRENT.reset(token)
    return _conclude(exchange, text)


def _guarded(exchange: Exchange, pieces: Pieces, diagnose: Diagnose) -> Pieces:
    """The pieces, with every exception turned into a ProviderFailure that keeps no trace of the original.

    The SDKs let their own errors, their transport's, JSON's and plain AttributeErrors out, and each holds the
    request with its key. So the failure is raised after the handler, where it has no context.
    """
    failure = None
    try:
        with closing(pieces):
            for piece in pieces:
                exchange.note(piece)
                yield piece
                exchange.remaining_s()
    except Exception as error:  # noqa: BLE001  (the seam lets nothing but ProviderFailure out)
        failure = diagnose(exchange, error)
    if failure is not None:
        raise failure


def _gather(exchange: Exchange, pieces: Pieces, on_text: Callable[[str], None]) -> str:
    parts: list[str] = []
    size, held = 0, ""
    for piece in pieces:
        text, held = _whole_characters(held + piece.text)
        size += len(text)
        if size > exchange.call.max_chars:
            raise exchange.failure(Cause.TOO_LARGE, f"answered with over {exchange.call.max_chars} characters")
        if text:
            parts.append(text)
            on_text(text)
    return "".join([*parts, "\ufffd" if held else ""])


def _whole_characters(text: str) -> tuple[str, str]:
    """Text that can be encoded, and a first half of a surrogate pair that waits for the next piece.

    JSON writes an emoji as two escapes, and servers cut streams between them.
    """
    held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    text = text.removesuffix(held) if held else text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, held


def _conclude(exchange: Exchange, text: str) -> Answer:
    if not exchange.finish:
        raise exchange.failure(*_without_finish(exchange))
    if exchange.finish == LENGTH:
        raise exchange.failure(Cause.TRUNCATED, f"stopped at the limit of {exchange.call.max_tokens} tokens")
    if exchange.finish == WITHHELD:
        raise exchange.failure(Cause.EMPTY, "the vendor withheld the answer")
    if not text.strip():
        raise exchange.failure(Cause.EMPTY, "the answer has no text")
    now = time.monotonic()
    return Answer(
        text=text,
        tokens_in=exchange.tokens_in,
        tokens_out=exchange.tokens_out,
        tokens_cached=exchange.tokens_cached,
        first_byte_ms=round(((exchange.first_text or now) - exchange.started) * 1000),
        latency_ms=round((now - exchange.started) * 1000),
        finish=exchange.finish,
    )


def _without_finish(exchange: Exchange) -> tuple[Cause, str]:
    """To the SDKs a stream that ended early is a whole one, and an answer that is no stream an empty one."""
    kind = exchange.headers.get("content-type", "text/event-stream")
    if "text/event-stream" not in kind:
        return Cause.MALFORMED, "the answer is not a stream of events"
    return Cause.TRUNCATED, "the stream ended without a finish reason"
