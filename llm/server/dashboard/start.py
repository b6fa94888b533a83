"""`/start`: have a run begin."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.server.dashboard.view.render import page
from llm.server.keys import Scope
from llm.server.operation import Parameter, in_thread, read_query, require
from llm.server.pages import Pages
from llm.server.service import service_of

_WORKSPACE = Parameter("workspace", "string", "what stands in the form", "")
_JOBS = 200


async def _page(request: Request) -> Response:
    require(request, Scope.RUN)
    return await in_thread(_drawn, request, read_query(request, (_WORKSPACE,))["workspace"])


def _drawn(request: Request, named: str) -> Response:
    service = service_of(request)
    roots = [str(root) for root in service.settings.roots]
    known = sorted({job.workspace for job in service.among(service.table.jobs(_JOBS))} - {""} | set(roots))
    return page(request, "start.html", title="Start a run", workspace=named or roots[0], known=known, roots=roots)


PAGES = Pages((Route("/start", _page, name="start"),))
