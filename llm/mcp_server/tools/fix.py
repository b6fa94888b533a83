"""Repair what is red, and prove it. Changes no file."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import Command, Given, Tool, of_contract


def _command(given: Given, workspace: Path) -> Command:
    switches = ["--accept-ambiguous"] if given.get("accept_ambiguous") else []
    for name, option in (("max_seconds", "--max-seconds"), ("deadline_s", "--deadline")):
        if name in given:
            switches += [option, f"{given[name]:g}"]
    told = {name: given[name] for name in ("checks", "logs") if name in given}
    return Command(("fix", "-", *switches), {"workspace": str(workspace), **told})


TOOL = Tool(
    title="Repair a red build",
    description="Find the project's checks, reproduce what is red in a sandbox, execute candidate fixes against "
    "the checks and give back the one that is proven, as a unified diff. Changes no file: torre_apply does. "
    "`mode` PATCH is a proof; ADVISORY is not.",
    gives=of_contract("result"),
    command=_command,
    takes={
        "checks": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "description": "commands that must be green (default: found in the project)",
        },
        "logs": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "logs of the failure, by name",
        },
        "max_seconds": {"type": "number", "minimum": 0, "description": "for the embedded search (default 30)"},
        "deadline_s": {"type": "number", "exclusiveMinimum": 0, "description": "for everything (default: none)"},
        "accept_ambiguous": {
            "type": "boolean",
            "description": "take the first of several that pass but behave differently",
        },
    },
)
