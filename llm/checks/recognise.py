"""Which tool understands a command, and what a check made from it is called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from llm import plugins
from llm.checks.base import Tool
from llm.checks.command import Command, invocation, parse
from llm.domain import Check, Stage

_SUBCOMMAND = {"go", "cargo"}
_STAGES = (
    (Stage.TYPES, re.compile(r"(type-?check|types?|mypy|pyright|tsc)$")),
    (Stage.TESTS, re.compile(r"(unit-?)?tests?$")),
    (Stage.STYLE, re.compile(r"(lint|format|fmt|style|pre-commit|ruff|eslint|vet|clippy)$")),
    (Stage.BUILD, re.compile(r"(build|compile)$")),
    (Stage.DOCS, re.compile(r"(docs|sphinx-build|mkdocs)$")),
)


def tools() -> tuple[Tool, ...]:
    """All tool plugins."""
    return plugins.load_all("checks.tools", "TOOL")


def tool_of(command: Command | None) -> Tool | None:
    """The plugin that understands a simple command, or None."""
    return next((tool for tool in tools() if command and tool.matches(command.argv)), None)


def check_of(line: str, *, directory: str = ".", source: str = "", confidence: float = 1.0) -> Check:
    """A shell line as a check: its tool, its stage, and a short name."""
    command = parse(line)
    tool = tool_of(command)
    if command is None or tool is None:
        return Check(line, line, directory, "", _stage(line), source, confidence)
    return Check(_label(tool, command), line, directory, tool.name, _stage_of(tool, command), source, confidence)


def independent(lines: Sequence[str]) -> bool:
    """Whether each of these lines is a known tool's that can run alone, in a sandbox of its own."""
    commands = [parse(line) for line in lines]
    known = [(tool_of(command), command) for command in commands]
    if not all(tool for tool, _ in known):
        return False
    return not any(tool and command and tool.leaves_files(command.argv) for tool, command in known[:-1])


def _label(tool: Tool, command: Command) -> str:
    run = invocation(command.argv)
    if tool.name in _SUBCOMMAND:
        return f"{tool.name} {run.args[0]}"
    if run.args[:1] == ("format",):
        return f"{tool.name} format"
    return "node --test" if tool.name == "node_test" else tool.name


def _stage_of(tool: Tool, command: Command) -> Stage:
    """A build tool's `test` is a test; any other program is what its plugin says."""
    return _stage(invocation(command.argv).args[0]) if tool.name in _SUBCOMMAND else tool.stage


def _stage(line: str) -> Stage:
    """By whole words (`make test`, `npm run lint`), so that `latest` is no test."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    parts = [part for word in words for part in re.split(r"[:/]", word)]
    return next((stage for stage, word in _STAGES if any(word.match(part) for part in parts)), Stage.GENERAL)
