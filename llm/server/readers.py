"""Answers that last as long as whoever reads them: so many at once, or slow ones would keep everybody else out."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from llm.server.problem import Problem

STREAMS, EXPORTS = 200, 8
"""Events of runs, and files of all runs, at once. Fewer than requests, and files take work as well as patience."""
_RETRY_S = 5.0


class Readers:
    """Who reads answers of one kind: never more than `most`."""

    def __init__(self, most: int, kind: str) -> None:
        self._most = most
        self._kind = kind
        self._now = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """A place among them for as long as the block. Problem 503: there is none."""
        if self._now >= self._most:
            raise Problem(503, "busy", f"{self._most} {self._kind} are being read", "", _RETRY_S)
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1


class Streamed(StreamingResponse):
    """An answer in pieces that gives back what is `held` for it, whether it was read to its end or not."""

    def __init__(self, pieces: AsyncIterable[str] | Iterable[bytes], held: ExitStack, **how: Any) -> None:
        super().__init__(pieces, **how)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await super().__call__(scope, receive, send)
