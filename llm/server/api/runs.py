"""Runs: asked for, listed, looked at, cancelled."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from llm.errors import InputError
from llm.ledger.record import find_record
from llm.request import read_request
from llm.server.guard import Principal, read_body
from llm.server.jobs.desk import Ticket
from llm.server.jobs.rows import ENDED, Asked, Job, Outcome, State
from llm.server.keys import Scope
from llm.server.operation import Answer, Operation, Parameter, in_thread
from llm.server.problem import Json, Problem
from llm.server.service import Service, principal_of, service_of
from llm.workspace.snapshot import root_of

_PREFER = re.compile(r"\bwait(?:\s*=\s*\"?(\d{1,6})\"?)?(?=\s*(?:[,;]|$))")
_PAGE = 200
_HIDDEN = ("number", "root", "result", "failure")
_OPTIONS = (
    Parameter("max_seconds", "number", "time for the embedded search; 0: it is left out", 30.0, 0, 600),
    Parameter("deadline", "number", "time for everything, in seconds", None, 1, 3600),
    Parameter("accept_ambiguous", "boolean", "take the first of several that pass but behave differently", False),
    Parameter("files", "boolean", "the changed files whole, beside the diff", False),
)


async def _submit(request: Request) -> Response:
    service, query = service_of(request), request.state.query
    body = await read_body(request)
    asked = await in_thread(accepted, service, principal_of(request), body, arguments(service, query))
    job, ticket = await service.desk.take(asked)
    wait_s = _wanted_wait_s(request, service)
    if wait_s is not None and await is_over(ticket, request, wait_s):
        refuse_failed(ticket)
        job = _found(service, asked.id)
        return Json(told(job), 200, {"Preference-Applied": "wait", "Location": _place(job.id)})
    return Json(told(job), 202, {"Location": _place(job.id)})


def accepted(
    service: Service, who: Principal, body: bytes, argv: tuple[str, ...], kind: str = "fix", attended: bool = False
) -> Asked:
    """The body of a run as a job: read as the command line would, its workspace resolved and under a root."""
    try:
        request = read_request(body)
    except InputError as error:
        if error.field == "stdin":
            raise Problem(400, "json", str(error).replace("stdin", "body"), "body") from error
        raise
    told = json.loads(body)
    told["trace_id"] = request.trace_id
    workspace, root = "", service.settings.home
    if request.workspace is not None:
        place = service.workspace(request.workspace)
        workspace, root = str(place), root_of(place)
        told["workspace"] = workspace
    if find_record(root, request.trace_id):
        raise Problem(409, "exists", f"there was a run {request.trace_id} already", "trace_id")
    payload = json.dumps(told).encode()
    return Asked(request.trace_id, kind, who.id, workspace, str(root), argv, payload, attended)


def arguments(service: Service, query: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line of a run."""
    most = service.settings.run_s
    deadline = min(most, query["deadline"] or most)
    switches = [f"--{name.replace('_', '-')}" for name in ("accept_ambiguous", "files") if query[name]]
    return ("fix", "-", "--max-seconds", f"{query['max_seconds']:g}", "--deadline", f"{deadline:g}", *switches)


def refuse_failed(ticket: Ticket) -> Mapping[str, Any]:
    """What a job that is over brought. Problem: why it brought nothing."""
    outcome, run = ticket.outcome or Outcome(ticket.state), {"run": _place(ticket.id)}
    if outcome.failure:
        why = outcome.failure
        raise Problem(why["status"], why["type"].rpartition(":")[2], why["detail"], why.get("field", ""), more=run)
    if outcome.result is None:
        status = 409 if outcome.state is State.CANCELLED else 503
        raise Problem(status, "ended", f"the run was {outcome.state}", more=run)
    return outcome.result


async def is_over(ticket: Ticket, request: Request, wait_s: float | None = None) -> bool:
    """Wait until a job has ended: True. False where the time is up, or the server stops first, or whoever waits is
    gone."""
    over = asyncio.create_task(ticket.over.wait())
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({over, gone}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
        gone.cancel()
    return ticket.outcome is not None


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _list(request: Request) -> Response:
    service, query = service_of(request), request.state.query

    def look() -> tuple[Job, ...]:
        named = query["workspace"]
        workspace = "" if named is None else str(service.workspace(named))
        return service.table.jobs(query["limit"], query["before"], query["state"] or "", workspace)

    jobs = await in_thread(look)
    further = str(jobs[-1].number) if len(jobs) == query["limit"] else None
    return Json({"runs": [told(job) for job in await in_thread(service.among, jobs)], "next": further})


async def _one(request: Request) -> Response:
    return Json(told(found(request)))


async def _cancel(request: Request) -> Response:
    service, job = service_of(request), found(request)
    ticket = service.desk.ticket(job.id)
    if ticket is None or job.kind == "apply":
        state = job.state if ticket is None else "an apply: `torre undo` takes it back"
        raise Problem(409, "ended", f"there is nothing to cancel: the run is {state}")
    await service.desk.cancel(ticket)
    return Json(told(_found(service, job.id)), 202, {"Location": _place(job.id)})


def found(request: Request) -> Job:
    """The job that the path names, looked up where it is asked: that is shorter than the way to a thread. Problem
    404, and 403 for one of roots that the server no longer has."""
    service = service_of(request)
    job = _found(service, request.path_params["id"])
    service.records(job)
    return job


def _found(service: Service, wanted: str) -> Job:
    try:
        job = service.table.job(str(uuid.UUID(wanted)))
    except ValueError:
        job = None
    if job is None:
        raise Problem(404, "run", f"there is no run {wanted[:60]!r}", "id")
    return job


def told(job: Job) -> dict[str, Any]:
    """A job as plain JSON; its result or failure only once it has ended with one."""
    line = {name: value for name, value in asdict(job).items() if name not in _HIDDEN}
    ends = {name: value for name, value in (("result", job.result), ("failure", job.failure)) if value is not None}
    place = _place(job.id)
    links = {
        "self": place,
        "events": f"{place}/events",
        "cancel": f"{place}/cancel",
        "trace": f"/v1/traces/{job.id}" + (f"?workspace={quote(job.workspace)}" if job.workspace else ""),
    }
    return {**line, "links": links, **(ends if job.state in ENDED else {})}


def _place(job_id: str) -> str:
    return f"/v1/runs/{job_id}"


def _wanted_wait_s(request: Request, service: Service) -> float | None:
    """`Prefer: wait`, with seconds or without; None: the answer is not waited for."""
    preferred = _PREFER.search(request.headers.get("prefer", "").lower())
    if preferred is None:
        return None
    return min(float(preferred[1] or "inf"), service.settings.run_s + 120)


_LOCATION = {"Location": "the run"}
OPERATIONS = (
    Operation(
        "POST",
        "/v1/runs",
        "start_run",
        Scope.RUN,
        "Repair what is red: the stdin contract of `torre fix -`.",
        _submit,
        {
            200: Answer("With `Prefer: wait`: the run is done.", "Run", headers=_LOCATION),
            202: Answer(
                "The run is accepted and kept; it goes on without this connection.", "Run", headers=_LOCATION
            ),
        },
        (409, 423),
        body="Input",
        query=_OPTIONS,
        headers=(Parameter("Prefer", "string", "`wait`, or `wait=SECONDS`"),),
    ),
    Operation(
        "GET",
        "/v1/runs",
        "runs",
        Scope.READ,
        "What this server was asked, the newest first.",
        _list,
        {200: Answer("A page of runs; `next` is the `before` of the next one.", "Runs")},
        query=(
            Parameter("limit", "integer", "so many at most", 50, 1, _PAGE),
            Parameter("before", "integer", "`next` of the page before", None, 0, 1 << 62),
            Parameter("state", "string", "only those in this state", choices=tuple(str(s) for s in State)),
            Parameter("workspace", "string", "only those of this workspace"),
        ),
    ),
    Operation(
        "GET",
        "/v1/runs/{id}",
        "run",
        Scope.READ,
        "One run, with its result once it is done.",
        _one,
        {200: Answer("The run.", "Run")},
        (404,),
    ),
    Operation(
        "POST",
        "/v1/runs/{id}/cancel",
        "cancel_run",
        Scope.RUN,
        "End a run, and its sandboxes with it.",
        _cancel,
        {202: Answer("It ends, or has not begun and never will.", "Run", headers=_LOCATION)},
        (404, 409),
    ),
)
