"""A page of figures: it is drawn, and each of its tables can be taken away as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from llm.server.dashboard.view.export import FORMATS, exported
from llm.server.dashboard.view.live import standing
from llm.server.dashboard.view.query import View, view_of
from llm.server.dashboard.view.render import page
from llm.server.dashboard.view.sight import Sight, sight
from llm.server.keys import Scope
from llm.server.operation import in_thread, require
from llm.server.problem import Problem
from llm.server.service import service_of

Links = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`ask` has the board of a sight counted. `draw` makes of both what the template `name`.html is told. `tables`
    are the attributes of the board that are tables, with their nouns."""

    path: str
    name: str
    title: str
    ask: Callable[[Sight], Any]
    draw: Callable[[Sight, Any], Mapping[str, Any]]
    tables: Mapping[str, type]

    def routes(self) -> tuple[BaseRoute, ...]:
        """The page, and the files of its tables."""
        return (
            Route(self.path, self._page, name=self.name),
            Route(f"/{self.name}/{{table}}.{{form}}", self._export, name=f"{self.name} export"),
        )

    async def _page(self, request: Request) -> Response:
        require(request, Scope.READ)
        return await in_thread(self._drawn, request, view_of(request))

    def _drawn(self, request: Request, view: View) -> Response:
        with sight(service_of(request), view) as seen:
            board = self.ask(seen)
            told = self.draw(seen, board)
        return page(
            request,
            f"{self.name}.html",
            title=self.title,
            board=board,
            exports={table: self._links(view, table) for table in self.tables},
            **about(seen),
            **told,
        )

    def _links(self, view: View, table: str) -> Links:
        return {form: view.href(f"/{self.name}/{table}.{form}") for form in FORMATS}

    async def _export(self, request: Request) -> Response:
        require(request, Scope.READ)
        table, form = request.path_params["table"], request.path_params["form"]
        if table not in self.tables or form not in FORMATS:
            raise Problem(404, "not-found", f"there is no {table}.{form} of this page")
        return await in_thread(self._exported, request, view_of(request), table, form)

    def _exported(self, request: Request, view: View, table: str, form: str) -> Response:
        with sight(service_of(request), view) as seen:
            board = self.ask(seen)
        return exported(table, form, self.tables[table], getattr(board, table).rows(), view.filter)


def about(seen: Sight) -> dict[str, Any]:
    """What every page is told of its sight."""
    return {
        "view": seen.view,
        "offered": seen.offered,
        "timezone": seen.timezone,
        "project": str(seen.root),
        "live": standing(seen.service),
        "demo": seen.service.settings.demo,
    }
