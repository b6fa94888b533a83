"""Those who do the jobs: so many at once, whose turn it is next, until the server has to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from llm.server.jobs.line import FairLine

_FIRST_GUESS_S = 10.0
_WEIGHT = 0.2
_MOST_S = 300.0


class Crew:
    """`width` jobs at once, of a line that holds `each` of one key. `work` does one, by its id."""

    def __init__(self, width: int, each: int, work: Callable[[str], Awaitable[None]]) -> None:
        self.line = FairLine(each)
        self._width = width
        self._work = work
        self._waiting = asyncio.Semaphore(0)
        self._tasks: list[asyncio.Task[None]] = []
        self._typical_s = _FIRST_GUESS_S
        self._closed = False

    def start(self) -> None:
        """From now on what is in the line is done."""
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._width)]

    def put(self, key: str, job_id: str) -> None:
        """It is done when it is its turn."""
        self.line.put(key, job_id)
        self._waiting.release()

    @property
    def wait_s(self) -> float:
        """How long one who comes now may have to wait, by how long the last ones took."""
        return min(_MOST_S, self._typical_s * (len(self.line) + 1) / self._width)

    def close(self) -> None:
        """Take up no more; what is going on goes on."""
        self._closed = True
        for _ in self._tasks:
            self._waiting.release()

    async def leave(self) -> None:
        """Until nobody works any more."""
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._waiting.acquire()
            job_id = None if self._closed else self.line.take()
            if self._closed:
                return
            if job_id is None:  # it was taken out of the line
                continue
            started = loop.time()
            await self._work(job_id)
            self._typical_s += _WEIGHT * (loop.time() - started - self._typical_s)
