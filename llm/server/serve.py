"""Listen, until a signal says that it is enough."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from llm.errors import InputError
from llm.server.app import build
from llm.server.connection import Connection
from llm.server.jobs.desk import Desk
from llm.server.service import Service
from llm.server.settings import Settings

_KEEP_ALIVE_S = 15
_CONNECTIONS = 1000
_BACKLOG = 2048
_CLOSING_S = 15
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_log = logging.getLogger("torre.server")


def serve(settings: Settings) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; then take in no more, and end what is going on within the grace.

    InputError: the address cannot be had, or others can reach it and there is no key. LedgerError: the job
    table."""
    service = Service.of(settings)
    try:
        if not (settings.local or any(key.holds(time.time()) for key in service.keys.all())):
            words = "others can reach this address, and there is no API key: `torre keys create` first"
            raise InputError("--host", f"{settings.host}: {words}")
        listener = _listen(settings.host, settings.port)
    except BaseException:
        service.table.close()
        raise
    config = uvicorn.Config(
        build(service),
        loop="asyncio",
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.grace_s) + _CLOSING_S,
    )
    _Server(config, service.desk, lambda: _tell(listener, service)).run([listener])


class _Server(uvicorn.Server):
    """uvicorn, whose streams are told that it ends, and which does not send itself the signal again."""

    def __init__(self, config: uvicorn.Config, desk: Desk, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._desk = desk
        self._tell_started = started
        self._closing: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The loop hears the signals while the server runs; after that there is nothing left to stop."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop)
        yield
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; then it is told, as it answers and hears signals from now on."""
        await super().startup(sockets)
        self._tell_started()

    def _stop(self) -> None:
        if self._closing is not None:
            self._desk.hurry()
            self._closing.add_done_callback(self._leave)
            return
        self.should_exit = True
        _log.info("stopping: what is going on is given its time; again: at once")
        self._closing = asyncio.get_running_loop().create_task(self._desk.close())

    def _leave(self, _: object) -> None:
        """Do not wait for clients either. uvicorn looks at it before it waits for the application, not while it
        does: what the application waits for is the desk's to cut short."""
        self.force_exit = True


def _listen(host: str, port: int) -> socket.socket:
    """TCP by its number: only there does asyncio turn off Nagle's delay, 40 ms for an answer in several pieces."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError("--host", f"{host}:{port} cannot be listened on: {error}") from error
    return listener


def _tell(listener: socket.socket, service: Service) -> None:
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(logging.Formatter("torre: %(message)s"))
    for name in ("torre.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [told], False
        logger.setLevel(logging.INFO if name == "torre.server" else logging.WARNING)
    host, port = listener.getsockname()[:2]
    settings = service.settings
    who = "with an API key" if service.keys.all() else "from this machine alone, without a key"
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if settings.demo:
        _log.info("demo data: none of these runs ever was, and all of it is removed at the end")
    _log.info("listening on http://%s, %s; workspaces under %s", address, who, ", ".join(map(str, settings.roots)))
