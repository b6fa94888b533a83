"""The lanes and what is left of their quotas."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import Command, Given, Tool, of_api


def _command(given: Given, workspace: Path) -> Command:
    return Command(("providers", str(workspace), "--json"))


TOOL = Tool(
    title="Show quotas",
    description="Each provider lane of the project's policy: whether it may and can be called, its price, and "
    "what is used, reserved and left of its caps.",
    gives=of_api("Quotas"),
    command=_command,
    read_only=True,
)
