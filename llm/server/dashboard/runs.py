"""Page 5, `/runs`: the runs one by one, what was decided in each, and the jobs that wait and run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llm.kept.board.runs import Decision, Page, runs
from llm.server.dashboard.view.export import FORMATS, attached, csv_head, csv_lines
from llm.server.dashboard.view.query import CURSOR, View, view_of
from llm.server.dashboard.view.render import page
from llm.server.dashboard.view.sheet import about
from llm.server.dashboard.view.sight import sight
from llm.server.jobs.rows import State
from llm.server.keys import Scope
from llm.server.operation import in_thread, require
from llm.server.pages import Pages
from llm.server.problem import Problem
from llm.server.service import Service, service_of

_A_PAGE, _AT_ONCE, _JOBS = 50, 500, 20


async def _page(request: Request) -> Response:
    require(request, Scope.READ)
    return await in_thread(_drawn, request, view_of(request, CURSOR))


def _drawn(request: Request, view: View) -> Response:
    service = service_of(request)
    with sight(service, view) as seen:
        board = runs(seen.figures, view.filter, view.cursor, _A_PAGE)
    return page(
        request,
        "runs.html",
        title="Runs and decisions",
        board=board,
        older=view.href("/runs", cursor=board.next) if board.next else "",
        newest=view.href("/runs") if view.cursor else "",
        exports={form: view.href(f"/runs.{form}") for form in FORMATS},
        jobs=_jobs(service),
        run_href=lambda run: view.href(f"/runs/{run.trace_id}", view.lasting),
        **about(seen),
    )


def _jobs(service: Service) -> list[Mapping[str, Any]]:
    """What runs, then what waits, the newest first."""
    states = (State.RUNNING, State.QUEUED)
    return [asdict(job) for state in states for job in service.table.jobs(_JOBS, state=state)]


async def _export(request: Request) -> Response:
    """All runs of the filter, read piece by piece."""
    require(request, Scope.READ)
    form, view = request.path_params["form"], view_of(request)
    if form not in FORMATS:
        raise Problem(404, "not-found", f"there is no runs.{form}")
    service = service_of(request)
    first = await in_thread(_piece, service, view, "")
    if form == "json":
        return StreamingResponse(_json(service, view, first), media_type="application/json")
    return StreamingResponse(_csv(service, view, first), media_type="text/csv", headers=attached("runs.csv"))


async def _csv(service: Service, view: View, first: Page) -> AsyncIterator[bytes]:
    yield csv_head(Decision).encode()
    async for piece in _pieces(service, view, first):
        yield csv_lines(piece.runs.rows()).encode("utf-8", "replace")


async def _json(service: Service, view: View, first: Page) -> AsyncIterator[bytes]:
    head = json.dumps({"table": "runs", "filter": asdict(view.filter)})
    yield f'{head[:-1]}, "rows": ['.encode()
    between = ""
    async for piece in _pieces(service, view, first):
        if piece.runs:
            yield (between + ", ".join(json.dumps(row) for row in piece.runs.rows())).encode()
            between = ", "
    yield b"]}"


async def _pieces(service: Service, view: View, piece: Page) -> AsyncIterator[Page]:
    yield piece
    while piece.next:
        piece = await in_thread(_piece, service, view, piece.next)
        yield piece


def _piece(service: Service, view: View, cursor: str) -> Page:
    with sight(service, view) as seen:
        return runs(seen.figures, view.filter, cursor, _AT_ONCE)


PAGES = Pages(
    (Route("/runs", _page, name="runs page"), Route("/runs.{form}", _export, name="runs export")),
)
