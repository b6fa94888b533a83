"""`torre checks`: what would be run, from where it was found, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from llm.commands.base import Output
    from llm.domain import Check

HELP = "list the checks of a project, from where, and how sure"
_NONE = "no checks found; name one with --check, or list them under [tool.torre] in pyproject.toml"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0, also where there is none. WorkspaceError; InputError for a `[tool.torre]` that is wrong."""
    from dataclasses import asdict
    from pathlib import Path

    from llm.checks.discover import discover
    from llm.commands.base import Output
    from llm.workspace.snapshot import open_workspace

    found = discover(open_workspace(Path(options.path)))
    return Output(_as_text(found), {"checks": [asdict(check) for check in found]})


def _as_text(found: Sequence[Check]) -> str:
    lines = []
    for check in found:
        where = "" if check.directory == "." else f"  (in {check.directory})"
        lines.append(f"{check.name:<20} {check.confidence:>4.0%}  {check.command}{where}")
        lines.append(f"{'':<27}from {check.source}")
    return "\n".join(lines) or _NONE
