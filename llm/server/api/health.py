"""Whether the server lives, whether it takes jobs, and what it measured."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from llm.server.keys import Scope
from llm.server.operation import Answer, Operation, in_thread
from llm.server.problem import Json, Problem
from llm.server.service import service_of


async def _health(_request: Request) -> Response:
    return Json({"status": "ok"})


async def _ready(request: Request) -> Response:
    desk = service_of(request).desk
    if desk.stopping.is_set():
        raise Problem(503, "stopping", "the server is stopping")
    waiting, running = desk.standing()
    return Json({"status": "ready", "waiting": waiting, "running": running})


async def _metrics(request: Request) -> Response:
    service = service_of(request)
    text = await in_thread(service.metrics.text, *service.desk.standing(), service.desk.refused)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _document(request: Request) -> Response:
    return Json(request.app.state.document)


OPERATIONS = (
    Operation(
        "GET", "/healthz", "health", None, "The process answers.", _health, {200: Answer("It does.", "Health")}
    ),
    Operation("GET", "/readyz", "ready", None, "Jobs are taken.", _ready, {200: Answer("They are.", "Ready")}),
    Operation(
        "GET",
        "/metrics",
        "metrics",
        Scope.READ,
        "Prometheus metrics.",
        _metrics,
        {200: Answer("The exposition in text.", media="text/plain")},
    ),
    Operation(
        "GET",
        "/openapi.json",
        "document",
        Scope.READ,
        "This document.",
        _document,
        {200: Answer("It.", "Document")},
    ),
)
