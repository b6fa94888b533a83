"""Take the last apply back, byte for byte."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import Command, Given, Tool

_UNDONE = {
    "type": "object",
    "required": ["trace_id", "files", "more"],
    "properties": {
        "trace_id": {"type": "string"},
        "files": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "integer", "description": "how many can be taken back after this one"},
    },
}


def _command(given: Given, workspace: Path) -> Command:
    return Command(("undo", str(workspace), "--json"))


TOOL = Tool(
    title="Undo the last apply",
    description="Restore the files as they were before the last torre_apply. Refused where one was changed since.",
    gives={"type": "object", "required": ["undone"], "properties": {"undone": _UNDONE}},
    command=_command,
    destructive=True,
)
