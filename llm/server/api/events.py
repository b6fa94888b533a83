"""A run as it goes on: its record as server-sent events, from the beginning or from where a reader left off."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from llm.ledger.record import find_record
from llm.server.api.runs import found
from llm.server.jobs.rows import Job, State
from llm.server.keys import Scope
from llm.server.operation import Answer, Operation, Parameter, in_thread
from llm.server.problem import Problem
from llm.server.readers import Streamed
from llm.server.service import Service, service_of

_LOOK_S = 0.2
_SILENCE_S = 15.0


async def _events(request: Request) -> Response:
    last = request.headers.get("last-event-id", "0").strip()
    if not (last.isascii() and last.isdigit() and len(last) <= 18):
        raise Problem(422, "input", "Last-Event-ID: expected the number of an event", "Last-Event-ID")
    job, service = found(request), service_of(request)
    with ExitStack() as held:
        held.enter_context(request.app.state.streams.one_more())
        reader = RecordReader(Path(job.root), job.id, int(last))
        if service.desk.ticket(job.id) is None and int(last) and not await in_thread(reader.new):
            return Response(status_code=204)  # which tells a browser's EventSource not to come again
        reader = RecordReader(Path(job.root), job.id, int(last))
        return Streamed(_stream(service, job, reader), held.pop_all(), media_type="text/event-stream")


async def _stream(service: Service, job: Job, reader: RecordReader) -> AsyncIterator[str]:
    """The record's events with their numbers, and the run's state, without one, whenever it changes. Ends with the
    run, or when the server stops."""
    state, silent_s = None, 0.0
    while True:
        ticket = service.desk.ticket(job.id)  # before the record is read: what is written before the end is read
        events = await in_thread(reader.new)
        for event in events:
            yield f"id: {event['seq']}\nevent: {event['kind']}\ndata: {json.dumps(event)}\n\n"
        silent_s = 0.0 if events else silent_s + _LOOK_S
        now = ticket.state if ticket else await _state(service, job)
        if now != state:
            state = now
            yield f"event: state\ndata: {json.dumps({'state': state})}\n\n"
        if ticket is None or service.desk.stopping.is_set():
            return
        if silent_s >= _SILENCE_S:
            silent_s = 0.0
            yield ": still here\n\n"
        if not events:
            with suppress(TimeoutError):
                await asyncio.wait_for(ticket.over.wait(), _LOOK_S)


async def _state(service: Service, job: Job) -> State:
    ended = await in_thread(service.table.job, job.id)
    return ended.state if ended else job.state


class RecordReader:
    """What is new in a run's record after event `last`; a line that is being written is not there yet."""

    def __init__(self, root: Path, trace_id: str, last: int) -> None:
        self._root = root
        self._id = trace_id
        self._last = last
        self._at = 0

    def new(self) -> list[dict[str, Any]]:
        """The next events, in their order; none where there are none yet."""
        path = find_record(self._root, self._id)
        if path is None:
            return []
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            file.seek(self._at)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._at += len(whole)
        events = [json.loads(line) for line in whole.splitlines()]
        return [event for event in events if event["seq"] > self._last]


OPERATIONS = (
    Operation(
        "GET",
        "/v1/runs/{id}/events",
        "run_events",
        Scope.READ,
        "A run as it goes on: the events of its record, numbered, and its state whenever that changes.",
        _events,
        {
            200: Answer("Server-sent events; the stream ends with the run.", "Event", "text/event-stream"),
            204: Answer("There is nothing after the event that was named, and there will be nothing.", media=""),
        },
        (404,),
        headers=(Parameter("Last-Event-ID", "string", "go on after the event of this number"),),
    ),
)
