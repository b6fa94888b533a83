"""What a file of `dashboard/` offers."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.routing import BaseRoute


@dataclass(frozen=True, slots=True)
class Pages:
    """`routes` need a key as the API does (any key; ask `operation.require` for a scope); those whose paths are
    `public` need none: a login page, the style sheets."""

    routes: tuple[BaseRoute, ...]
    public: frozenset[str] = frozenset()
