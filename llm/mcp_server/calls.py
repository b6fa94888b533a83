"""One call of a tool: checked, carried out by a `torre` of its own, reported on while it goes on, ended when it is
cancelled or the server ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import jsonschema

from llm.domain import Event
from llm.errors import InputError, WorkspaceError
from llm.mcp_server.base import Command, Tool
from llm.report.text import progress
from llm.request import new_trace_id
from llm.server.api.events import RecordReader
from llm.server.jobs.child import Children
from llm.server.jobs.rows import Asked, Outcome
from llm.server.settings import Settings
from llm.workspace.snapshot import open_workspace, root_of

Tell = Callable[[float, str], Awaitable[None]]
"""Hears how often it was told something, and the line."""

_LOOK_S = 0.2
_LIMIT_S = 3600.0
_AT_ONCE = 2


class Refused(Exception):
    """The call brought nothing; the message says why, for whoever called."""


class Calls:
    """The calls of one server. `roots` are directories: no workspace lies elsewhere. Use from one event loop."""

    def __init__(self, roots: Sequence[Path], env: Mapping[str, str]) -> None:
        self._settings = Settings(tuple(root.resolve(strict=True) for root in roots), env=env)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def call(self, tool: Tool, given: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """What the tool gives, as JSON. Refused. A cancelled call has taken its processes with it when it ends."""
        try:
            jsonschema.validate(given, tool.input_schema)
            workspace = self._workspace(given.get("workspace", "."))
        except jsonschema.ValidationError as error:
            raise Refused(f"{error.json_path.removeprefix('$.')}: {error.message}") from error
        except InputError as error:
            raise Refused(str(error)) from error
        async with self._turns:
            outcome = await self._carry_out(tool, tool.command(given, workspace), workspace, tell)
        if outcome.result is None:
            raise Refused(str((outcome.failure or {}).get("detail", f"the call was {outcome.state}")))
        return outcome.result

    def _workspace(self, named: str) -> Path:
        place = self._settings.place(named)
        if not self._settings.contains(place):
            raise WorkspaceError("workspace", "is under none of the server's roots")
        return open_workspace(place)

    async def _carry_out(self, tool: Tool, command: Command, workspace: Path, tell: Tell) -> Outcome:
        run, root, stop = new_trace_id(), root_of(workspace), asyncio.Event()
        payload = json.dumps({**command.stdin, "trace_id": run}).encode() if command.stdin is not None else b""
        asked = Asked(run, command.argv[0], "mcp", str(workspace), str(root), command.argv, payload)
        children = Children(self._settings.roots, {**self._settings.env, **tool.env})
        child = asyncio.create_task(children.run(asked, stop, _LIMIT_S))
        try:
            if command.stdin is not None:
                await _follow(child, RecordReader(root, run, 0), tell)
            return await asyncio.shield(child)
        finally:
            stop.set()
            with anyio.CancelScope(shield=True):  # its sandboxes are gone before anybody hears that it is
                await asyncio.wait({child})
            children.close()


async def _follow(child: asyncio.Task[Outcome], reader: RecordReader, tell: Tell) -> None:
    """Pass the run's events on as lines until it has ended."""
    told = 0
    while True:
        over = child.done()
        for event in await asyncio.to_thread(reader.new):
            for line in progress(Event(event["seq"], event["at"], event["kind"], event)):
                told += 1
                await tell(told, line)
        if over:
            return
        await asyncio.wait({child}, timeout=_LOOK_S)
