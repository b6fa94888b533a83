"""The application: operations and pages as routes, refusals as problems, the guard around all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from llm import plugins
from llm.errors import TorreError
from llm.server.guard import Guard
from llm.server.openapi import document
from llm.server.operation import Operation
from llm.server.pages import Pages, Refusal
from llm.server.problem import TITLES, Problem, problem_of
from llm.server.readers import EXPORTS, STREAMS, Readers
from llm.server.service import Service


def operations() -> tuple[Operation, ...]:
    """All that the API offers, in the order of the files and of what is in them."""
    return tuple(each for group in plugins.load_all("server.api", "OPERATIONS") for each in group)


def build(service: Service) -> Guard:
    """The ASGI application of a server."""
    offered = operations()
    pages: tuple[Pages, ...] = plugins.load_all("server.dashboard", "PAGES")
    refuse = _refusal(pages)
    app = Starlette(
        routes=[
            *(operation.route() for operation in offered),
            *(route for each in pages for route in each.routes),
        ],
        exception_handlers={
            Problem: _answering(_problem, refuse),
            TorreError: _answering(_torre_error, refuse),
            HTTPException: _answering(_http_error, refuse),
            Exception: _answering(_bug, refuse),
        },
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.streams = Readers(STREAMS, "streams")
    app.state.exports = Readers(EXPORTS, "exports")
    app.state.document = document(offered)
    public = frozenset(operation.path for operation in offered if operation.scope is None)
    return Guard(app, service.settings, service.keys, public.union(*(each.public for each in pages)), refuse)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.desk.open()
    try:
        yield
    finally:
        await service.desk.close()
        service.table.close()


def _refusal(pages: Iterable[Pages]) -> Refusal:
    """Problems as pages for who asks for a page, and as they are for every program, under /v1 for everybody."""
    told = next((each.refusal for each in pages if each.refusal), None)

    def refuse(request: Request, problem: Problem) -> Response:
        wanted = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
        return told(request, problem) if told and wanted else problem.response()

    return refuse


def _answering(
    problem_of_error: Callable[[Exception], Problem], refuse: Refusal
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        refused = refuse(request, problem_of_error(error))
        refused.headers.update(getattr(error, "headers", None) or {})  # a 405 names the methods that there are
        return refused

    return answer


def _problem(error: Exception) -> Problem:
    assert isinstance(error, Problem)
    return error


def _torre_error(error: Exception) -> Problem:
    assert isinstance(error, TorreError)
    return problem_of(error)


def _http_error(error: Exception) -> Problem:
    assert isinstance(error, HTTPException)
    title = TITLES.get(error.status_code, "")
    if not title:
        return Problem(500, "internal", f"the router answers {error.status_code}")
    return Problem(error.status_code, title.lower().replace(" ", "-"), error.detail)


def _bug(error: Exception) -> Problem:
    return Problem(500, "internal", f"internal error, please report it: {type(error).__name__}")
