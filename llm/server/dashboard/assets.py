"""The style sheet, the script and the icon, for everybody. A browser keeps them: other bytes have another name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.server.dashboard.view.files import static_files
from llm.server.pages import Pages

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_FILES = {place: (content, media) for place, content, media in static_files().values()}


async def _file(request: Request) -> Response:
    content, media = _FILES[request.url.path]
    return Response(content, headers=_KEPT, media_type=media)


PAGES = Pages(tuple(Route(place, _file) for place in _FILES), frozenset(_FILES))
