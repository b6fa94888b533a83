"""What was kept: traces, usage, quotas. The same that `torre trace`, `usage` and `providers` show."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from llm.errors import InputError
from llm.kept.quotas import quotas
from llm.kept.usage import usage
from llm.ledger.base import KEEP_DAYS
from llm.server.keys import Scope
from llm.server.operation import WORKSPACE, Answer, Operation, Parameter, in_thread
from llm.server.problem import Json, Problem
from llm.server.service import Service, service_of

_PAGE = 200


async def _usage(request: Request) -> Response:
    service, query = service_of(request), request.state.query

    def look() -> dict[str, Any]:
        return usage(service.root(query["workspace"]), service.env, query["days"])

    return Json(await in_thread(look))


async def _quotas(request: Request) -> Response:
    service, query = service_of(request), request.state.query
    return Json(await in_thread(lambda: quotas(service.root(query["workspace"]), service.env)))


async def _traces(request: Request) -> Response:
    service, query = service_of(request), request.state.query

    def look() -> list[dict[str, Any]]:
        with service.figures(service.root(query["workspace"])) as figures:
            found = figures.runs(query["limit"], query["before"])
        return [{name: value for name, value in asdict(run).items() if name != "diff"} for run in found]

    runs = await in_thread(look)
    return Json({"runs": runs, "next": runs[-1]["started"] if len(runs) == query["limit"] else None})


async def _trace(request: Request) -> Response:
    service, query = service_of(request), request.state.query

    def look() -> dict[str, Any]:
        return told_story(service, service.root(query["workspace"]), request.path_params["id"])

    return Json(await in_thread(look))


def told_story(service: Service, root: Path, wanted: str) -> dict[str, Any]:
    """The whole story of the run of exactly this id. Problem 404."""
    try:
        with service.figures(root) as figures:
            story = figures.story(wanted)
    except InputError as error:
        raise Problem(404, "trace", f"no run {wanted} was kept here", "id") from error
    if story.run.trace_id != wanted.lower():
        raise Problem(404, "trace", f"no run {wanted} was kept here", "id")
    return asdict(story)


_DAYS = Parameter("days", "integer", "the last so many days", 30, 1, KEEP_DAYS)
_LIMIT = Parameter("limit", "integer", "so many at most", 50, 1, _PAGE)
_BEFORE = Parameter("before", "number", "only those that started earlier: `next` of the page before")
OPERATIONS = (
    Operation(
        "GET",
        "/v1/usage",
        "usage",
        Scope.READ,
        "What the lanes used, by day, lane and stage; money in micro-USD.",
        _usage,
        {200: Answer("Rows by day, lane and stage, and what counts against the caps.", "Usage")},
        query=(WORKSPACE, _DAYS),
    ),
    Operation(
        "GET",
        "/v1/quotas",
        "quotas",
        Scope.READ,
        "The lanes as they stand: used, reserved and left of each cap.",
        _quotas,
        {200: Answer("The lanes and the budget of all.", "Quotas")},
        query=(WORKSPACE,),
    ),
    Operation(
        "GET",
        "/v1/traces",
        "traces",
        Scope.READ,
        "The runs that are kept, of the command line's too, without their diffs; the newest first.",
        _traces,
        {200: Answer("A page of them.", "Traces")},
        query=(WORKSPACE, _LIMIT, _BEFORE),
    ),
    Operation(
        "GET",
        "/v1/traces/{id}",
        "trace",
        Scope.READ,
        "The whole story of one run: attempts, candidates, why.",
        _trace,
        {200: Answer("The story.", "Trace")},
        (404,),
        query=(WORKSPACE,),
    ),
)
