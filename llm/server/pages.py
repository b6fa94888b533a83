"""What a file of `dashboard/` offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from llm.server.problem import Problem

Refusal = Callable[[Request, Problem], Response]
"""Tells a problem to somebody."""


@dataclass(frozen=True, slots=True)
class Pages:
    """`routes` need a key as the API does (any key; ask `operation.require` for a scope); those whose paths are
    `public` need none: a login page, the style sheets. `refusal`, which one file has, tells a problem to who asked
    for a page."""

    routes: tuple[BaseRoute, ...]
    public: frozenset[str] = frozenset()
    refusal: Refusal | None = None
