"""Page 5, `/runs`: the runs one by one, what was decided in each, and the jobs that wait and run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.kept.board.filters import Filter
from llm.kept.board.runs import Decision, part, runs
from llm.server.dashboard.view.export import FORMATS, attached, csv_head, csv_lines
from llm.server.dashboard.view.query import CURSOR, View, view_of
from llm.server.dashboard.view.render import page
from llm.server.dashboard.view.sheet import about
from llm.server.dashboard.view.sight import sight, traces_of
from llm.server.jobs.rows import State
from llm.server.keys import Scope
from llm.server.operation import in_thread, require
from llm.server.pages import Pages
from llm.server.problem import Problem
from llm.server.readers import Streamed
from llm.server.service import Service, service_of

_A_PAGE, _AT_ONCE, _JOBS = 50, 500, 20
Rows = list[dict[str, Any]]


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
    return [asdict(job) for state in states for job in service.among(service.table.jobs(_JOBS, state=state))]


async def _export(request: Request) -> Response:
    """All runs of the filter, read piece by piece. Problem 503: as many files as may be are being read."""
    require(request, Scope.READ)
    form, view = request.path_params["form"], view_of(request)
    if form not in FORMATS:
        raise Problem(404, "not-found", f"there is no runs.{form}")
    with ExitStack() as held:
        held.enter_context(request.app.state.exports.one_more())
        pieces, how = await in_thread(_written, service_of(request), view, form)
        first = await in_thread(lambda: next(pieces))  # what is wrong with the traces is found before the answer
        return Streamed(chain((first,), pieces), held.pop_all(), **how)


def _written(service: Service, view: View, form: str) -> tuple[Iterator[bytes], Mapping[str, Any]]:
    """The file in pieces, of which the first has the names, and how it is sent."""
    parts = _parts(service, traces_of(service, view), view.filter)
    if form == "json":
        return _json(parts, view.filter), {"media_type": "application/json"}
    return _csv(parts), {"media_type": "text/csv", "headers": attached("runs.csv")}


def _csv(parts: Iterable[Rows]) -> Iterator[bytes]:
    head = csv_head(Decision)
    for rows in parts:
        yield (head + csv_lines(rows)).encode("utf-8", "replace")
        head = ""


def _json(parts: Iterable[Rows], chosen: Filter) -> Iterator[bytes]:
    before = json.dumps({"table": "runs", "filter": asdict(chosen)})[:-1] + ', "rows": ['
    for rows in parts:
        lines = [json.dumps(row) for row in rows]
        yield (before + ", ".join(lines)).encode()
        before = ", "
    yield b"]}"


def _parts(service: Service, root: Path, chosen: Filter) -> Iterator[Rows]:
    """So many runs at a time, none at all once. No file is open between two of them: who reads may be slow."""
    cursor, first = "", True
    while cursor or first:
        with service.figures(root) as figures:
            found, cursor = part(figures, chosen, cursor, _AT_ONCE)
        if found or first:
            yield found.rows()
        first = False


PAGES = Pages(
    (Route("/runs", _page, name="runs page"), Route("/runs.{form}", _export, name="runs export")),
)
