"""Who asks for much and reads none of it gives the place back that others wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from llm.server.connection import Connection
from llm.server.problem import Problem
from llm.server.readers import Readers, Streamed


class Impatient(Connection):
    stalled_s = 0.5


class Unending:
    """A server with one place for readers of a file that never ends."""

    def __init__(self, protocol: type[H11Protocol]) -> None:
        self.readers = Readers(1, "files")
        app = Starlette(routes=[Route("/", self._file)])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_level="critical", ws="none"))
        self.address = self._listener.getsockname()

    async def _file(self, _: Request) -> Response:
        with ExitStack() as held:
            held.enter_context(self.readers.one_more())
            return Streamed(self._pieces(), held.pop_all(), media_type="text/plain")

    async def _pieces(self) -> AsyncIterator[str]:
        while True:
            yield "x" * 65_536
            await asyncio.sleep(0)

    async def __aenter__(self) -> Unending:
        self._serving = asyncio.create_task(self._server.serve([self._listener]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._serving

    async def free_within(self, seconds: float) -> bool:
        """Whether somebody else can read by then."""
        for _ in range(round(seconds * 20)):
            try:
                with self.readers.one_more():
                    return True
            except Problem:
                await asyncio.sleep(0.05)
        return False


async def asked_and_read(server: Unending, seconds: float) -> bool:
    """Ask for the file and take a little of it for so long. Whether the place was free 2 s after that."""
    with socket.create_connection(server.address) as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await loop.sock_recv(client, 100)
        assert not await server.free_within(0)
        until = loop.time() + seconds
        while loop.time() < until:
            await loop.sock_recv(client, 1 << 20)
            await asyncio.sleep(0.02)
            with pytest.raises(Problem, match="are being read"), server.readers.one_more():
                pass
        return await server.free_within(2)


@pytest.mark.parametrize(("protocol", "free"), [(Impatient, True), (H11Protocol, False)])
def test_who_reads_nothing_gives_the_place_back(protocol: type[H11Protocol], free: bool) -> None:
    async def scene() -> bool:
        async with Unending(protocol) as server:
            return await asked_and_read(server, 0)

    assert asyncio.run(scene()) is free


def test_who_reads_slowly_keeps_the_place() -> None:
    async def scene() -> bool:
        async with Unending(Impatient) as server:
            return await asked_and_read(server, 1.5)  # three times as long as nobody may read nothing

    assert asyncio.run(scene()), "it stopped reading after that"
