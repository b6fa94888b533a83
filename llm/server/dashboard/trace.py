"""Page 6, `/runs/{id}`: one run as it goes on, and then its story."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.errors import InputError
from llm.kept.board.trace import Asked, Changed, Side, Span, Story, trace
from llm.ledger.trace_filter import APPLIED
from llm.server.dashboard.view.export import FORMATS, exported
from llm.server.dashboard.view.query import View, view_of
from llm.server.dashboard.view.render import page
from llm.server.dashboard.view.sheet import about
from llm.server.dashboard.view.sight import Sight, sight
from llm.server.jobs.rows import ENDED, Job
from llm.server.keys import Scope
from llm.server.operation import in_thread, require
from llm.server.pages import Pages
from llm.server.problem import Problem
from llm.server.service import Service, service_of

_TABLES = {"spans": Span, "candidates": Side, "attempts": Asked, "changes": Changed}


async def _page(request: Request) -> Response:
    require(request, Scope.READ)
    return await in_thread(_drawn, request, view_of(request))


def _drawn(request: Request, view: View) -> Response:
    service, wanted = service_of(request), _id(request)
    job = service.table.job(wanted)
    with sight(service, view, service.records(job) if job else None) as seen:
        story = _story(seen, wanted)
    if story is None and job is None:
        raise Problem(404, "run", f"no run {wanted} was kept here; the project's page of runs has those that were")
    live = job is not None and job.state not in ENDED
    return page(
        request,
        "live.html" if live else "trace.html",
        title=f"Run {wanted[:8]}",
        id=wanted,
        job=asdict(job) if job else None,
        story=story,
        own=_own(service, story, job),
        whole_ms=_whole_ms(story),
        exports={table: _links(view, wanted, table) for table in _TABLES},
        **about(seen),
    )


def _id(request: Request) -> str:
    """The id of a run as it is kept. Problem 404."""
    wanted = request.path_params["id"]
    try:
        return str(uuid.UUID(wanted))
    except ValueError:
        raise Problem(404, "run", f"{wanted[:60]!r} is no id of a run") from None


def _story(seen: Sight, wanted: str) -> Story | None:
    try:
        return trace(seen.figures, wanted)
    except InputError:  # an apply is a job, and has no story of its own; a run that waits has none yet
        return None


def _own(service: Service, story: Story | None, job: Job | None) -> dict[str, Any]:
    """What may be done with the run: its patch applied, or taken back."""
    workspace = story.run.workspace if story else job.workspace if job else ""
    change = story.run.change if story else ""
    here = bool(workspace) and service.settings.contains(Path(workspace))
    return {
        "workspace": workspace if here else "",
        "apply": bool(here and story and story.applicable and change != APPLIED),
        "undo": here and change == APPLIED,
    }


def _whole_ms(story: Story | None) -> int:
    """How long the run took; what is done with its patch may come days after it."""
    return max((span.end_ms for span in story.spans if span.kind != "change"), default=1) if story else 1


def _links(view: View, wanted: str, table: str) -> Mapping[str, str]:
    return {form: view.href(f"/runs/{wanted}/{table}.{form}") for form in FORMATS}


async def _export(request: Request) -> Response:
    require(request, Scope.READ)
    return await in_thread(_exported, request, view_of(request))


def _exported(request: Request, view: View) -> Response:
    service, wanted = service_of(request), _id(request)
    table, form = request.path_params["table"], request.path_params["form"]
    job = service.table.job(wanted)
    with sight(service, view, service.records(job) if job else None) as seen:
        story = _story(seen, wanted)
    if story is None or table not in _TABLES or form not in FORMATS:
        raise Problem(404, "not-found", f"there is no {table[:60]}.{form[:60]} of this run")
    return exported(f"{wanted[:8]}-{table}", form, _TABLES[table], getattr(story, table).rows(), view.filter)


PAGES = Pages(
    (
        Route("/runs/{id}", _page, name="run page"),
        Route("/runs/{id}/{table}.{form}", _export, name="run export"),
    )
)
