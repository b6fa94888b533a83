"""The application: operations and pages as routes, refusals as problems, the guard around all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
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
from llm.server.pages import Pages
from llm.server.problem import TITLES, Problem, problem_of
from llm.server.service import Service


def operations() -> tuple[Operation, ...]:
    """All that the API offers, in the order of the files and of what is in them."""
    return tuple(each for group in plugins.load_all("server.api", "OPERATIONS") for each in group)


def build(service: Service) -> Guard:
    """The ASGI application of a server."""
    offered = operations()
    pages: tuple[Pages, ...] = plugins.load_all("server.dashboard", "PAGES")
    app = Starlette(
        routes=[
            *(operation.route() for operation in offered),
            *(route for each in pages for route in each.routes),
        ],
        exception_handlers={
            Problem: _answering(_problem),
            TorreError: _answering(_torre_error),
            HTTPException: _answering(_http_error),
            Exception: _answering(_bug),
        },
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.streams = 0
    app.state.document = document(offered)
    public = frozenset(operation.path for operation in offered if operation.scope is None)
    return Guard(app, service.settings, service.keys, public.union(*(each.public for each in pages)))


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.desk.open()
    try:
        yield
    finally:
        await service.desk.close()
        service.table.close()


def _answering(refuse: Callable[[Exception], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        headers = getattr(error, "headers", None)  # a 405 names the methods that there are
        return refuse(error).response(headers)

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
