"""`torre mcp`, driven by the SDK's own client and by one that was written by others in another language."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jsonschema
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from tests.e2e.conftest import REPOSITORY, TORRE, a_long_sleep, fingerprint, processes_running
from tests.e2e.test_interrupt import wait_until
from tests.mcp.conftest import GREEN, RED

TOOLS = {"torre_diagnose", "torre_fix", "torre_apply", "torre_undo", "torre_trace", "torre_quota"}
_LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@asynccontextmanager
async def connected(root: Path, env: dict[str, str]) -> AsyncIterator[Client]:
    """The SDK's client, connected to `torre mcp` on stdio."""
    server = StdioServerParameters(command=TORRE[0], args=["mcp", "--root", str(root)], env=env)
    async with Client(stdio_client(server)) as client:
        yield client


def test_from_red_to_green_and_back(root: Path, project: Path, env: dict[str, str]) -> None:
    lines: list[str] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        lines.append(message or "")

    async def story() -> tuple[list[Any], list[str]]:
        texts, here = [], {"workspace": "project"}
        async with connected(root, env) as client:
            before = fingerprint(root)
            diagnosis = await client.call_tool("torre_diagnose", here)
            fix = await client.call_tool("torre_fix", here, progress_callback=told)
            assert fix.structured_content and fingerprint(root) == before
            run = {**here, "run": fix.structured_content["trace_id"]}
            made = [diagnosis, fix]
            for name, given in (("apply", run), ("trace", run), ("undo", here), ("quota", here)):
                made.append(await client.call_tool(f"torre_{name}", given))
                texts.append((project / "app.py").read_text())
        return made, texts

    made, texts = asyncio.run(story())
    assert not any(result.is_error for result in made), made
    diagnosis, fix, applied, trace, undone, quota = (result.structured_content for result in made)
    assert diagnosis["diff"] == "" and [d["code"] for d in diagnosis["report"]["diagnostics"]] == ["F401"]
    assert (
        diagnosis["report"]["checks"][0]["before"]["status"] == "red" and diagnosis["report"]["tried_count"] == 0
    )
    assert fix["mode"] == "PATCH" and "-import os" in fix["diff"]
    assert any(line.startswith("candidate ") for line in lines) and any("ruff: red" in line for line in lines)
    assert applied["applied"]["status"] == "applied" and applied["trace_id"] == fix["trace_id"]
    assert trace["run"]["diff"] == fix["diff"] and undone["undone"]["files"] == ["app.py"]
    assert [lane for lane in quota["lanes"] if lane["provider"] == "openai/gpt-4o"]
    assert texts == [GREEN, GREEN, RED, RED]


def test_every_tool_says_what_it_takes_gives_and_does(root: Path, env: dict[str, str]) -> None:
    async def listed() -> list[Any]:
        async with connected(root, env) as client:
            return list((await client.list_tools()).tools)

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) == TOOLS
    for tool in tools.values():
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
    assert {name for name, t in tools.items() if t.annotations.destructive_hint} == {"torre_apply", "torre_undo"}
    read_only = {name for name, t in tools.items() if t.annotations.read_only_hint}
    assert read_only == {"torre_diagnose", "torre_trace", "torre_quota"}


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("torre_fix", {"workspace": "/etc"}, "under none of the server's roots"),
        ("torre_fix", {"workspace": "../elsewhere"}, "under none of the server's roots"),
        ("torre_fix", {"workspace": "way-out"}, "under none of the server's roots"),
        ("torre_fix", {"workspace": "nowhere"}, "does not exist"),
        ("torre_fix", {"workspace": "a\0b"}, "is no path"),
        ("torre_fix", {"checks": "pytest"}, "checks: 'pytest' is not of type 'array'"),
        ("torre_fix", {"cheks": []}, "Additional properties are not allowed"),
        ("torre_apply", {}, "'run' is a required property"),
        ("torre_apply", {"run": "--commit"}, "does not match"),
        ("torre_apply", {"run": "last", "workspace": "project"}, "no run was kept"),
        ("torre_undo", {"workspace": "project"}, "nothing was applied"),
        ("torre_nothing", {}, "there is no tool"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    shared: Callable[..., Any], tool: str, given: dict[str, Any], words: str
) -> None:
    result = shared(tool, given)
    assert result.is_error and words in result.content[0].text, result.content


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One server for all refusals: calls it and gives the result."""
    from tests.e2e.conftest import environment

    base = tmp_path_factory.mktemp("refusals")
    root = base / "root"
    (root / "project" / ".torre").mkdir(parents=True)
    (base / "elsewhere").mkdir()
    (root / "way-out").symlink_to(base / "elsewhere")
    loop = asyncio.new_event_loop()
    calls: asyncio.Queue[tuple[str, dict[str, Any], asyncio.Future[Any]] | None] = asyncio.Queue()

    async def serve() -> None:
        async with connected(root, environment(base / "state")) as client:
            while (call := await calls.get()) is not None:
                tool, given, answer = call
                answer.set_result(await client.call_tool(tool, given))

    serving = loop.create_task(serve())

    def ask(tool: str, given: dict[str, Any]) -> Any:
        answer = loop.create_future()
        calls.put_nowait((tool, given, answer))
        return loop.run_until_complete(answer)

    yield ask
    calls.put_nowait(None)
    loop.run_until_complete(serving)
    loop.close()


def test_a_cancelled_call_takes_its_sandboxes_with_it(root: Path, project: Path, env: dict[str, str]) -> None:
    assert asyncio.run(_cancelled(connected(root, env)))
    (record,) = (project / ".torre" / "runs").glob("*.jsonl")
    assert json.loads(record.read_text().splitlines()[-1])["outcome"] == "Interrupted"


def test_so_does_one_that_came_by_http(http: Callable[[], str], project: Path) -> None:
    assert asyncio.run(_cancelled(Client(f"{http()}/mcp")))


async def _cancelled(connecting: AbstractAsyncContextManager[Client]) -> bool:
    """Whether a call's processes are gone soon after it was cancelled, and the server goes on."""
    seconds = a_long_sleep()
    async with connecting as client:
        given = {"workspace": "project", "checks": [f"trap '' TERM INT; sleep {seconds}; sleep {seconds}"]}
        call = asyncio.create_task(client.call_tool("torre_fix", given))
        assert await asyncio.to_thread(wait_until, lambda: processes_running(seconds)), "it never started"
        call.cancel()
        gone = await asyncio.to_thread(wait_until, lambda: not processes_running(seconds), 20)
        assert len((await client.list_tools()).tools) == len(TOOLS)
        return gone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_server(
    root: Path, project: Path, env: dict[str, str], number: signal.Signals
) -> None:
    seconds = a_long_sleep()
    call = {"name": "torre_fix", "arguments": {"workspace": "project", "checks": [f"sleep {seconds}"]}}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    command = [*TORRE, "mcp", "--root", str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as server:
        try:
            assert server.stdin
            server.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
            server.stdin.flush()
            assert wait_until(lambda: processes_running(seconds)), "it never started"
            server.send_signal(number)
            assert wait_until(lambda: not processes_running(seconds), 20)
            server.communicate(timeout=20)
        finally:
            server.kill()


def test_another_implementation_of_the_protocol_gets_the_same(
    root: Path, project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    made = _node(tmp_path, env, TORRE[0], [["torre_fix", {"workspace": "project"}]], "mcp", "--root", str(root))
    assert {tool["name"] for tool in made["tools"]} == TOOLS
    (fix,) = made["results"]
    assert (
        fix["structuredContent"]["mode"] == "PATCH"
        and json.loads(fix["content"][0]["text"]) == fix["structuredContent"]
    )
    assert any("ruff: red" in line for line in fix["lines"])


def _node(folder: Path, env: dict[str, str], target: str, calls: list[Any], *arguments: str) -> dict[str, Any]:
    (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    shutil.copy(Path(__file__).with_name("client.mjs"), folder)
    command = ["node", "client.mjs", target, json.dumps(calls), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_http_serves_its_own_machine_and_no_web_page(
    http: Callable[[], str], project: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    address = http()
    made = _node(tmp_path, env, f"{address}/mcp", [["torre_quota", {"workspace": "project"}]])
    assert made["results"][0]["structuredContent"]["timezone"] == "UTC"
    port = address.rpartition(":")[2]
    assert _status(address) not in (403, 421)
    assert _status(address, Host=f"localhost:{port}") not in (403, 421)
    assert _status(address, Host="rebound.example") == 421
    assert _status(address, Host=f"rebound.example:{port}") == 421
    assert _status(address, Origin="https://page.example") == 403
    assert _status(address, Origin=f"http://localhost:{port}") == 403


def _status(address: str, **headers: str) -> int:
    usual = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    body = json.dumps(_LISTING).encode()
    try:
        with urlopen(Request(f"{address}/mcp", body, {**usual, **headers}), timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_listens_on_the_loopback_only(host: str, env: dict[str, str], root: Path) -> None:
    command = [*TORRE, "mcp", "--http", "--host", host, "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert done.returncode == 2 and "not a loopback address" in done.stderr


def test_without_the_sdk_it_says_what_to_install(tmp_path: Path, env: dict[str, str]) -> None:
    code = (
        "import sys; sys.modules['mcp_types'] = None; import llm.cli\n"
        f"sys.exit(llm.cli.main(['mcp', '--root', {str(tmp_path)!r}]))"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert done.returncode == 2 and "install torre-llm[server]" in done.stderr
