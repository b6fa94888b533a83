"""The style sheet, the script and the icon, for everybody. A browser keeps them: other bytes have another name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm.server.dashboard.view.files import static_files
from llm.server.pages import Pages

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_ICON = "/favicon.ico"
_FILES = {place: (content, media) for place, content, media in static_files().values()}


async def _file(request: Request) -> Response:
    content, media = _FILES[request.url.path]
    return Response(content, headers=_KEPT, media_type=media)


async def _icon(request: Request) -> Response:
    """What browsers ask for by themselves where they show a file."""
    _, content, media = static_files()["icon.svg"]
    return Response(content, media_type=media)


PAGES = Pages(
    (*(Route(place, _file) for place in _FILES), Route(_ICON, _icon)),
    frozenset({*_FILES, _ICON}),
)
