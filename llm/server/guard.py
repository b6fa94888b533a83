"""Who comes in: every request passes here, before anything of it is read, and every answer leaves here.

In this order: is the server meant (its name, its own pages), who asks, how often, how much at once, how large.
Nothing is written for a request that is refused.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm.errors import InputError
from llm.server import keys
from llm.server.keys import Keys
from llm.server.pages import Refusal
from llm.server.problem import Problem
from llm.server.rates import Rates
from llm.server.settings import MIB, Settings

COOKIE = "torre_key"
"""Where a page of the server's keeps a key: HttpOnly, SameSite=Strict."""
MOST_AT_ONCE = 400
MOST_BYTES_AT_ONCE = 64 * MIB
BODY_S = 30.0
SEND_S = 30.0
"""What a body may take to arrive, and one piece of an answer to be taken."""

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?")
_SAFE = ("GET", "HEAD", "OPTIONS")
_FAILURES_PER_S, _FAILURES_AT_ONCE = 5.0, 100
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_log = logging.getLogger("torre.server")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the id and name of a key; `local` where no key was ever made and only this machine can ask."""

    id: str
    name: str
    scopes: frozenset[keys.Scope]


LOCAL = Principal("local", "this machine", frozenset(keys.Scope))
NOBODY = Principal("", "nobody", frozenset())


class Guard:
    """Around the whole application. `public` are paths that need no key; `refuse` tells a problem."""

    def __init__(
        self, app: ASGIApp, settings: Settings, known: Keys, public: frozenset[str], refuse: Refusal
    ) -> None:
        self._app = app
        self._settings = settings
        self._keys = known
        self._public = public
        self._refuse = refuse
        self._open = settings.local and not known.all()
        self._rates = Rates(settings.rate_per_s, settings.burst)
        self._failures = Rates(_FAILURES_PER_S, _FAILURES_AT_ONCE)
        self._at_once = 0
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan, which is not one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = _Sending(send)
        try:
            scope.setdefault("state", {})["principal"] = self._admit(Request(scope), scope["path"])
        except Problem as problem:
            await self._refuse(Request(scope), problem)(scope, receive, sending)
            return
        body = _Body(self, receive, self._settings.max_body_bytes)
        self._at_once += 1
        try:
            await self._app(scope, body, sending)
        except _TooSlow:
            _log.info("an answer was not taken within %g s: its connection is closed", SEND_S)
        finally:
            self._at_once -= 1
            self._bytes -= body.size

    def _admit(self, request: Request, path: str) -> Principal:
        self._refuse_strangers(request)
        self._refuse_large(request.headers)
        if path in self._public:
            return NOBODY
        principal = self._identify(request)
        if wait_s := self._rates.wait_s(principal.id):
            raise Problem(429, "rate", f"more than {self._settings.rate_per_s:g} requests a second", "", wait_s)
        if self._at_once >= MOST_AT_ONCE:
            raise Problem(503, "busy", f"{self._at_once} requests are being answered", "", 1.0)
        return principal

    def _refuse_strangers(self, request: Request) -> None:
        """Pages of other sites make a browser ask: by a name that was rebound to us, or from where they are."""
        host = request.headers.get("host", "")
        if not self._settings.called(_name_in(host)):
            raise Problem(
                403, "host", f"this server is not called {host[:100]!r}; `--allow-host` names it", "Host"
            )
        origin = request.headers.get("origin")
        if origin is not None and not _is_own(origin, host):
            raise Problem(403, "origin", f"pages of {origin[:100]!r} may not ask this server", "Origin")
        site = request.headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and request.method not in _SAFE:
            raise Problem(403, "origin", "pages of other sites may not ask this server", "Sec-Fetch-Site")
        if request.method not in _SAFE:
            _refuse_other_media(request.headers)

    def _refuse_large(self, headers: Headers) -> None:
        declared = headers.get("content-length", "")
        most = self._settings.max_body_bytes
        if declared.isdigit() and int(declared) > most:
            raise too_large(most)

    def _identify(self, request: Request) -> Principal:
        """Whose key it is; on the loopback, where no key was ever made, this machine's. Problem 401, 429."""
        try:
            if self._open and not self._keys.all():
                return LOCAL
            self._open = False  # a key that is taken away again does not open the door
            key = self._keys.find(presented(request))
        except InputError as error:
            raise Problem(503, "keys", "the keys cannot be read: nobody is let in") from error
        if key is not None:
            return Principal(key.id, key.name, key.scopes)
        address = request.client.host if request.client else ""
        if wait_s := self._failures.wait_s(address):
            raise Problem(429, "rate", "too many requests without a key", "", wait_s)
        raise Problem(401, "key", "an API key is needed: `Authorization: Bearer torre_…`", "Authorization")

    def take(self, size: int) -> None:
        """So many bytes more of bodies are held. Problem 503 where that is too much."""
        if self._bytes + size > MOST_BYTES_AT_ONCE:
            raise Problem(503, "busy", "too many large requests at once", "", 2.0)
        self._bytes += size


class _TooSlow(Exception):
    """Whoever asked does not take the answer."""


class _Body:
    """A request's body, counted as it arrives: a length that was declared, or was not, proves nothing."""

    def __init__(self, guard: Guard, receive: Receive, most: int) -> None:
        self._guard = guard
        self._receive = receive
        self._most = most
        self.size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        if self.size + size > self._most:
            raise too_large(self._most)
        self._guard.take(size)
        self.size += size
        return message


class _Sending:
    """Every answer with the headers that a browser minds, and not waited for without end."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        try:
            async with asyncio.timeout(SEND_S):
                await self._send(message)
        except TimeoutError:
            raise _TooSlow from None


async def read_body(request: Request) -> bytes:
    """The whole body. Problem 408, 413, 503."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except TimeoutError:
        raise Problem(408, "slow", f"the body did not arrive within {BODY_S:g} s") from None


def too_large(most: int) -> Problem:
    """A body of more bytes than are read."""
    return Problem(413, "large", f"the body is larger than {most} bytes")


def _name_in(host: str) -> str:
    """The name or address in a Host header, "" where anything else is in it: some libraries make an address of the
    header and the path, and a header that brings a path along would change what is asked for."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]) if found else ""


def _is_own(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme.lower() in ("http", "https") and place.lower() == host.lower()


def _refuse_other_media(headers: Headers) -> None:
    """A form can be sent from anywhere without being asked first; JSON cannot."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if media != "application/json" and not (empty and not media):
        raise Problem(415, "media", "the body has to be application/json", "Content-Type")


def presented(request: Request) -> str:
    """The key of a request, from its header or its cookie; "" where there is none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
