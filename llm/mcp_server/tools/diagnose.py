"""Run the checks and say what is red; nothing is searched for and nobody is asked."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import Command, Given, Tool, of_contract


def _command(given: Given, workspace: Path) -> Command:
    told = {"checks": given["checks"]} if "checks" in given else {}
    return Command(("fix", "-", "--max-seconds", "0"), {"workspace": str(workspace), **told})


TOOL = Tool(
    title="Say what is red",
    description="Run the project's checks in a sandbox and tell what is red, with the diagnostics and their "
    "places. Looks for no fix, calls no provider, changes no file.",
    gives=of_contract("result"),
    command=_command,
    takes={
        "checks": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "description": "commands to run (default: found in the project)",
        }
    },
    env={"PROVIDERS_V1": "0"},
    read_only=True,
)
