"""A key for the pages of a browser: kept by it in a cookie that no script can read and no other site can send."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from llm.server.guard import COOKIE, presented
from llm.server.keys import Scope
from llm.server.operation import Answer, Operation

_DAYS = 30


async def _begin(request: Request) -> Response:
    """The guard has let the key in: it is only moved. Where none is needed, none is kept."""
    answer, key = Response(status_code=204), presented(request)
    if key:
        secure = request.headers.get("origin", "").lower().startswith("https:")
        answer.set_cookie(COOKIE, key, _DAYS * 86400, httponly=True, samesite="strict", secure=secure)
    return answer


async def _end(_request: Request) -> Response:
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


OPERATIONS = (
    Operation(
        "POST",
        "/v1/session",
        "begin_session",
        Scope.READ,
        "Keep the key of this request in a cookie, for the server's own pages.",
        _begin,
        {204: Answer("It is kept, if there was one.", media="")},
    ),
    Operation(
        "DELETE",
        "/v1/session",
        "end_session",
        Scope.READ,
        "Forget the key that the cookie holds.",
        _end,
        {204: Answer("It is forgotten.", media="")},
    ),
)
