"""The desk: takes jobs in, or says that it is full; knows who waits for which; stops what is to be stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llm.server.jobs.child import Children
from llm.server.jobs.crew import Crew
from llm.server.jobs.rows import Asked, Job, Outcome, State
from llm.server.jobs.table import JobTable
from llm.server.operation import in_thread
from llm.server.problem import Problem, not_served
from llm.server.settings import Settings

_SLACK_S = 60.0
"""What a command may take beyond the deadline that it was given."""
_ATTENDED_AT_ONCE = 2
_log = logging.getLogger("torre.server")
OnEnd = Callable[[Asked, Outcome], None]


@dataclass(slots=True)
class Ticket:
    """A job that is not over. `over` is set when it is, or when the server stops and leaves it for the next
    one."""

    id: str
    key: str
    attended: bool
    state: State = State.QUEUED
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome | None = None


class Desk:
    """The jobs of one server. `on_end` is told of each that ended, in a thread; it raises nothing."""

    def __init__(self, table: JobTable, settings: Settings, on_end: OnEnd) -> None:
        self._table = table
        self._settings = settings
        self._on_end = on_end
        self._children = Children(settings.roots, settings.env)
        self._tickets: dict[str, Ticket] = {}
        self._taking_in = asyncio.Lock()
        self._crews = {
            False: Crew(settings.workers, settings.queue, self._work),
            True: Crew(_ATTENDED_AT_ONCE, settings.queue, self._work),
        }
        self.stopping, self._in_haste = asyncio.Event(), asyncio.Event()
        self.refused = 0
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take up what an earlier server left, and begin."""
        for _, job_id, key in await in_thread(self._table.recover):
            self._admit(Ticket(job_id, key, attended=False))
        for crew in self._crews.values():
            crew.start()

    async def take(self, asked: Asked) -> tuple[Job, Ticket]:
        """Accept a job. Problem: 429 where its key has too many waiting, 409 where its id is taken, 503 when
        stopping."""
        crew = self._crews[asked.attended]
        async with self._taking_in:  # so that a place that was free is still free when the job is kept
            if self.stopping.is_set():
                raise Problem(503, "stopping", "the server is stopping")
            if crew.line.full(asked.key):
                self.refused += 1
                raise Problem(429, "queue", "too many jobs are waiting", "", crew.wait_s)
            job = await in_thread(self._table.add, asked)
            if job is None:
                raise Problem(409, "exists", f"there is a run {asked.id} already", "trace_id")
            ticket = Ticket(asked.id, asked.key, asked.attended)
            self._admit(ticket)
            if self.stopping.is_set():  # it is kept, and the next server's
                ticket.over.set()
        return job, ticket

    def ticket(self, job_id: str) -> Ticket | None:
        """The ticket of a job that is not over."""
        return self._tickets.get(job_id)

    def standing(self) -> tuple[int, int]:
        """How many wait, and how many are going on."""
        waiting = sum(len(crew.line) for crew in self._crews.values())
        return waiting, len(self._tickets) - waiting

    async def cancel(self, ticket: Ticket) -> None:
        """End a job: at once if it waits, as fast as its sandboxes can be taken down if it is going on."""
        ticket.stop.set()
        if ticket.state is State.QUEUED:
            self._crews[ticket.attended].line.remove(ticket.key, ticket.id)
            await self._finish(ticket, Outcome(State.CANCELLED))

    async def close(self) -> None:
        """Take in no more, give what is going on its time, end it, and leave what waits to the next server.
        Whoever asks for it second waits for the first."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    def hurry(self) -> None:
        """What is going on is given no more time."""
        self._in_haste.set()

    async def _close(self) -> None:
        self.stopping.set()
        for crew in self._crews.values():
            crew.close()
        going_on = [ticket for ticket in self._tickets.values() if ticket.state is State.RUNNING]
        for ticket in self._tickets.values():
            if ticket.state is State.QUEUED:
                ticket.over.set()
        await self._give_time(going_on)
        for ticket in going_on:
            ticket.stop.set()
        for crew in self._crews.values():
            await crew.leave()
        self._children.close()

    async def _give_time(self, going_on: Sequence[Ticket]) -> None:
        over = asyncio.gather(*(ticket.over.wait() for ticket in going_on))
        either: set[asyncio.Future[Any]] = {over, asyncio.ensure_future(self._in_haste.wait())}
        await asyncio.wait(either, timeout=self._settings.grace_s, return_when=asyncio.FIRST_COMPLETED)
        for waiting in either:
            waiting.cancel()

    def _admit(self, ticket: Ticket) -> None:
        self._tickets[ticket.id] = ticket
        self._crews[ticket.attended].put(ticket.key, ticket.id)

    async def _work(self, job_id: str) -> None:
        """Do one job. What cannot be done or kept is told to whoever waits; the crew goes on."""
        ticket = self._tickets[job_id]
        ticket.state = State.RUNNING
        try:
            await self._finish(ticket, await self._outcome(ticket))
        except Exception as error:  # noqa: BLE001 - whatever became of one job, the crew goes on with the next
            _log.error("run %s: %s", job_id, error, exc_info=not isinstance(error, Problem))
            problem = error if isinstance(error, Problem) else Problem(503, "internal", str(error))
            self._release(ticket, Outcome(State.FAILED, failure=problem.as_json()))

    async def _outcome(self, ticket: Ticket) -> Outcome:
        asked = await in_thread(self._table.start, ticket.id)
        if asked is None:
            return Outcome(State.CANCELLED)
        served = await in_thread(self._settings.serves, asked.workspace, asked.root)
        if not served:  # it was accepted by an earlier server, which had other roots
            return Outcome(State.FAILED, failure=not_served().as_json())
        outcome = await self._children.run(asked, ticket.stop, self._settings.run_s + _SLACK_S)
        if outcome.state is State.CANCELLED and self.stopping.is_set():
            outcome = replace(outcome, state=State.INTERRUPTED)
        await in_thread(self._on_end, asked, outcome)
        return outcome

    async def _finish(self, ticket: Ticket, outcome: Outcome) -> None:
        await in_thread(self._table.finish, ticket.id, outcome)
        self._release(ticket, outcome)

    def _release(self, ticket: Ticket, outcome: Outcome) -> None:
        ticket.state, ticket.outcome = outcome.state, outcome
        self._tickets.pop(ticket.id, None)
        ticket.over.set()
