"""200 clients at once for a minute, slow and broken ones among them: is a run lost, is an answer wrong, does
memory grow, and how long does a GET take beside a bare Starlette app that the same clients ask at the same
moments?

Not part of `make bench`: python -m bench.load [SECONDS] [CLIENTS]
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2

from bench.figure import emit

SECONDS, CLIENTS = 60.0, 200
THINK_S = 1.5
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request): return JSONResponse({"id": request.path_params["id"], "state": "done"})
app = Starlette(routes=[Route("/{id}", answer)])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", http="h11", loop="asyncio")
"""
_ADDRESS = re.compile(r"listening on (http://\S+),")
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
_JSON = "POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@dataclass
class Seen:
    """What the clients saw. `accepted`: run → whether its check is green from the start."""

    url: str
    bare: str
    until: float
    accepted: dict[str, bool] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    torre_s: list[float] = field(default_factory=list)
    bare_s: list[float] = field(default_factory=list)
    broken: int = 0
    done: int = 0
    client: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=60, limits=_LIMITS))

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until


def main(seconds: float = SECONDS, clients: int = CLIENTS) -> None:
    with tempfile.TemporaryDirectory() as folder, torre(Path(folder).resolve()) as (url, pid), bare() as beside:
        seen = Seen(url, beside, time.monotonic() + seconds)
        report(asyncio.run(load(seen, pid, clients)), seen, clients)


@contextmanager
def torre(place: Path) -> Iterator[tuple[str, int]]:
    """A server with a user of its own: its address and process."""
    env = {**os.environ, "XDG_CONFIG_HOME": f"{place}/config", "XDG_STATE_HOME": f"{place}/state"}
    argv = [str(Path(sys.executable).with_name("torre")), "serve", "--port", "0", "--root", str(place)]
    argv += ["--queue", "100", "--rate", "100000", "--grace", "1"]
    pipes: dict[str, Any] = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(argv, env=env, **pipes) as server:
        assert server.stderr is not None
        found = _ADDRESS.search(server.stderr.readline())
        assert found, "the server does not start"
        Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield found[1], server.pid
        finally:
            server.terminate()


@contextmanager
def bare() -> Iterator[str]:
    """A Starlette app with one route that answers at once."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", BARE, str(port)]) as server:
        time.sleep(2)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


async def load(seen: Seen, pid: int, clients: int) -> list[int]:
    """Every client until the time is up, then every accepted run to its end. The server's memory in KiB, each
    second."""
    roles: list[Callable[[Seen, int], Awaitable[None]]] = [slow_body, slow_reader, garbage, goes_away]
    roles = [user] * 16 + roles
    async with seen.client:
        memory = [rss_kib(pid)]
        watching = asyncio.create_task(watch(pid, memory))
        await asyncio.gather(*(roles[n % len(roles)](seen, n) for n in range(clients)))
        await asyncio.gather(*(settle(seen, run) for run in seen.accepted))
        watching.cancel()
    return memory


async def user(seen: Seen, number: int) -> None:
    """Ask for a run, follow it, check the answer, begin again; a bare GET beside each of its own."""
    turn, mine = 0, ""
    torre, bare = Kept(seen.url, seen.torre_s), Kept(seen.bare, seen.bare_s)
    while not seen.over:
        await asyncio.sleep(random.expovariate(1 / THINK_S))
        turn += 1
        if not mine or turn % 4 == 0:
            mine = await submit(seen, f"{number}-{turn}", green=turn % 2 == 0) or mine
        if mine:
            await bare.get(f"/{mine}")
            judge(seen, mine, *await torre.get(f"/v1/runs/{mine}"))


async def submit(seen: Seen, name: str, green: bool) -> str:
    """A run whose check is green or red by what only this request says; "" where it was not accepted."""
    content = name if green else f"not {name}"
    body = {"files": {"name.txt": content}, "checks": [f"grep -qx '{name}' name.txt"]}
    answer = await seen.client.post(f"{seen.url}/v1/runs", params={"max_seconds": 0}, json=body)
    seen.statuses[answer.status_code] += 1
    if answer.status_code == 202:
        run: str = answer.json()["id"]
        seen.accepted[run] = green
        return run
    if answer.status_code != 429 or "retry-after" not in answer.headers:
        seen.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
    return ""


class Kept:
    """A connection that is kept: as little of a client as can be, so that it is the server that is measured."""

    def __init__(self, url: str, taken_s: list[float]) -> None:
        self._url = url
        self._taken_s = taken_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body. A connection that was closed for being idle is made anew."""
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await connected(self._url)
        reader, writer = self._streams
        started = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._streams = None
            return await self.get(path)
        self._taken_s.append(time.perf_counter() - started)
        return int(head.split()[1]), body


def judge(seen: Seen, run: str, status: int, body: bytes) -> None:
    """Whether this is the run, and if it is done, whether the answer is that of its own request."""
    told: dict[str, Any] = json.loads(body)
    if status != 200 or told.get("id") != run:
        seen.wrong.append(f"{run}: {status} {body[:200]!r}")
    elif told["state"] == "failed" or (
        told["state"] == "done" and told["result"]["report"]["nothing_red"] is not seen.accepted[run]
    ):
        seen.wrong.append(f"{run}: {body[:300]!r}")


async def settle(seen: Seen, run: str) -> None:
    """What became of an accepted run: what still waits is cancelled, the rest has to come to its end."""
    for _ in range(600):
        answer = await seen.client.get(f"{seen.url}/v1/runs/{run}")
        judge(seen, run, answer.status_code, answer.content)
        state = answer.json().get("state")
        if state not in ("queued", "running"):
            seen.done += state == "done"
            return
        if state == "queued":
            await seen.client.post(f"{seen.url}/v1/runs/{run}/cancel")
        await asyncio.sleep(0.5)
    seen.wrong.append(f"{run}: never ended")


async def slow_body(seen: Seen, _number: int) -> None:
    """A byte now and then."""
    while not seen.over:
        _, writer = await connected(seen.url)
        writer.write(f"{_JSON}Content-Length: 100000\r\n\r\n".encode())
        await trickle(seen, writer, b" ")


async def garbage(seen: Seen, number: int) -> None:
    """What is no HTTP, and headers that never end."""
    while not seen.over:
        _, writer = await connected(seen.url)
        writer.write(random.Random(number).randbytes(300) if random.random() < 0.5 else _JSON.encode())
        await trickle(seen, writer, b"x: y\r\n")


async def slow_reader(seen: Seen, _number: int) -> None:
    """Asks for events and never reads them."""
    while not seen.over:
        _, writer = await connected(seen.url)
        run = next(iter(seen.accepted), "none")
        writer.write(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await trickle(seen, writer, b"")


async def goes_away(seen: Seen, _number: int) -> None:
    """Asks for a run, to be waited for, and is gone before the answer."""
    while not seen.over:
        _, writer = await connected(seen.url)
        body = b'{"files": {"a": ""}, "checks": ["true"]}'
        head = f"{_JSON}Prefer: wait\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body[: random.randint(0, len(body))])
        await asyncio.sleep(random.random())
        writer.close()
        seen.broken += 1
        await asyncio.sleep(THINK_S)


async def connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def trickle(seen: Seen, writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Hold the connection for some seconds, a piece a second, unless the server has enough of it."""
    try:
        for _ in range(random.randint(2, 20)):
            if seen.over:
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(1)
    except ConnectionError:  # the server closed it, as it may
        pass
    finally:
        seen.broken += 1
        writer.transport.abort()


async def watch(pid: int, memory: list[int]) -> None:
    while True:
        memory.append(rss_kib(pid))
        await asyncio.sleep(1)


def rss_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


def report(memory: list[int], seen: Seen, clients: int) -> None:
    half = len(memory) // 2
    statuses = {str(status): count for status, count in seen.statuses.items()}
    emit("load.runs.accepted", len(seen.accepted), "runs", clients=clients, statuses=statuses)
    emit("load.runs.done", seen.done, "runs")
    emit("load.wrong", len(seen.wrong), "runs lost or answers wrong", "0", examples=seen.wrong[:3])
    emit("load.broken", seen.broken, "connections broken or slow on purpose")
    emit("load.memory.peak", max(memory) / 1024, "MiB", "bounded", start=round(memory[0] / 1024, 1))
    emit("load.memory.growth", (max(memory[half:]) - max(memory[: half or 1])) / 1024, "MiB, 2nd half over 1st")
    for name, taken in (("torre", seen.torre_s), ("bare", seen.bare_s)):
        cuts = statistics.quantiles(taken, n=100)
        emit(f"load.get.{name}.p50", cuts[49] * 1000, "ms", n=len(taken))
        emit(f"load.get.{name}.p99", cuts[98] * 1000, "ms", n=len(taken))


if __name__ == "__main__":
    main(*(convert(text) for convert, text in zip((float, int), sys.argv[1:], strict=False)))
