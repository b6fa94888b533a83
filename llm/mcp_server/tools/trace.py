"""The whole story of one run: who was asked, what was tried, what it cost, why the winner won."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import RUN, Command, Given, Tool, of_api


def _command(given: Given, workspace: Path) -> Command:
    return Command(("trace", given.get("run", "last"), "--path", str(workspace), "--json"))


TOOL = Tool(
    title="Tell the story of a run",
    description="Decision, attempts, candidates with their diffs, checks before and after, and cost of one run.",
    gives=of_api("Trace"),
    command=_command,
    takes={"run": RUN},
    read_only=True,
)
