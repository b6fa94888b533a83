"""Write a proven patch to the user's files, whole and green, or not at all."""

from __future__ import annotations

from pathlib import Path

from llm.mcp_server.base import RUN, Command, Given, Tool, of_api


def _command(given: Given, workspace: Path) -> Command:
    commit = ("--commit",) if given.get("commit") else ()
    return Command(("apply", given["run"], "--path", str(workspace), "--json", *commit))


TOOL = Tool(
    title="Apply a proven patch",
    description="Write the patch of a run that proved one to the project's files, run the checks on them, and "
    "roll back unless they are green. torre_undo takes it back.",
    gives=of_api("Applied"),
    command=_command,
    takes={"run": RUN, "commit": {"type": "boolean", "description": "and commit exactly these files with git"}},
    needs=("run",),
    destructive=True,
)
