"""`/live.json`: how much goes on, for pages that follow it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.server.dashboard.view.live import standing
from llm.server.keys import Scope
from llm.server.operation import in_thread, require
from llm.server.pages import Pages
from llm.server.problem import Json
from llm.server.service import service_of


async def _live(request: Request) -> Response:
    require(request, Scope.READ)
    return Json(await in_thread(standing, service_of(request)))


PAGES = Pages((Route("/live.json", _live, name="live"),))
