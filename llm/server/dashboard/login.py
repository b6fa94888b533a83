"""`/login`: give the browser a key. And what a page says when it cannot be shown."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.server.dashboard.view.render import page
from llm.server.pages import Pages
from llm.server.problem import Problem


async def _login(request: Request) -> Response:
    return page(request, "login.html", asked=False)


def _refusal(request: Request, problem: Problem) -> Response:
    """Where a key is missing it is asked for, at the address that was wanted."""
    if problem.status == 401:
        answer: Response = page(request, "login.html", 401, asked=True)
    else:
        answer = page(request, "problem.html", problem.status, problem=problem.as_json())
    answer.headers.update(problem.headers)
    return answer


PAGES = Pages((Route("/login", _login, name="login"),), frozenset({"/login"}), _refusal)
