"""Run checks in a sandbox, with structured output where the tool has it.

Only a simple command of a known tool is changed. Any other line runs as it was written, and still reports test
by test where the environment can carry a reporter to the tool behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from types import MappingProxyType

from llm.checks.base import Instrumented, Reading, Tool
from llm.checks.command import parse
from llm.checks.reading import NO_REPORT, from_text, records, text_of
from llm.checks.recognise import tool_of, tools
from llm.domain import Check, CheckResult, Diagnostic
from llm.sandbox.base import Completed, Job, Limits, Sandbox
from llm.triage.clean import strip_control

_NO_FILES: Mapping[str, bytes | None] = MappingProxyType({})
_LIMITS = Limits()
_TAIL_CHARS = 8000
_SHELL = "sh"
_TO_REPORT = (_SHELL, "-c", 'exec "$@" >"$TORRE_REPORT"', _SHELL)
_JOINED = {"PYTHONPATH": ":", "PYTEST_ADDOPTS": " "}
_ALWAYS = {"CI": "1"}  # test runners that would watch files end by themselves
_COMMAND_NOT_FOUND = 127

_MISSING = (
    re.compile(r"^\S*sh: (?:line )?(?:\d+: )?(?P<name>[\w./@+-]+): (?:command )?not found$", re.M),
    re.compile(r"^\S*(?:make|just)\S*: (?P<name>[\w./@+-]+): No such file or directory$", re.M),
    re.compile(r"^env: ['‘]?(?P<name>[\w./@+-]+)['’]?: No such file or directory$", re.M),
)
_MISSING_MODULE = re.compile(r"^\S*python[\d.]*: No module named '?(?P<name>\w+)'?$", re.M)
_MODULES = frozenset(
    ["tox", "nox", "coverage", "flake8", "black", "isort", "pylint", "pre_commit", "build", "sphinx"]
)
"""Tools beside the plugins that people run by `python -m`. Any other module may be the workspace's own: red."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What runs for a check; `tool` is None where none is known for the line."""

    tool: Tool | None
    argv: tuple[str, ...]
    env: Mapping[str, str]
    to_report: bool = False
    owes_report: bool = False


def run_check(
    check: Check,
    sandbox: Sandbox,
    workspace: Path,
    files: Mapping[str, bytes | None] = _NO_FILES,
    cancel: Event | None = None,
    limits: Limits = _LIMITS,
    only: tuple[str, ...] = (),
    executable: frozenset[str] = frozenset(),
) -> CheckResult:
    """Run one check over the workspace with `files` written into it (relative path → content, None deletes;
    new ones that are `executable` get the x bit).

    `only` restricts a test runner that can be restricted to these test ids. A missing tool is a result with
    `not_run` that names it, never an exception. SandboxError if the sandbox itself breaks.
    """
    plan = _plan(check, sandbox, only)
    if plan.tool and sandbox.find(plan.argv[0], check.directory) is None:
        return CheckResult(check, plan.argv, None, 0.0, not_run=_install(plan.argv[0], plan.tool))

    def execute(plan: _Plan) -> Completed:
        argv = (*_TO_REPORT, *plan.argv) if plan.to_report else plan.argv
        return sandbox.execute(Job(argv, check.directory, files, executable, plan.env, b"", limits, cancel))

    completed = execute(plan)
    if _refused(plan, completed):
        plan = _as_written(check, {}, plan.tool)
        completed = execute(plan)
    return _result(check, plan, completed, workspace)


def _plan(check: Check, sandbox: Sandbox, only: tuple[str, ...]) -> _Plan:
    command = parse(check.command)
    tool = tool_of(command)
    if command is None or tool is None:
        return _as_written(check, _carried(only))
    run: Instrumented = tool.instrument(command.argv, only)
    argv = (_python(run.argv[0], sandbox, check.directory), *run.argv[1:])
    return _Plan(tool, argv, _joined(command.env, run.env), run.to_report, tool.always_reports)


def _as_written(check: Check, env: Mapping[str, str], tool: Tool | None = None) -> _Plan:
    return _Plan(tool, (_SHELL, "-c", check.command), {**_ALWAYS, **env})


def _carried(only: tuple[str, ...]) -> dict[str, str]:
    return {name: value for tool in tools() for name, value in tool.carry(only).items()}


def _joined(own: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The command's own variables and ours; those that are lists are put together."""
    both = {n: own[n] + _JOINED[n] + added[n] for n in _JOINED if own.get(n) and n in added}
    return {**_ALWAYS, **added, **own, **both}


def _python(program: str, sandbox: Sandbox, directory: str) -> str:
    """`python` and `python3` stand in for each other where only one is there."""
    other = {"python": "python3", "python3": "python"}.get(program)
    if other and sandbox.find(program, directory) is None and sandbox.find(other, directory):
        return other
    return program


def _refused(plan: _Plan, completed: Completed) -> bool:
    """Red without a report: the tool did not take our option or plugin, or broke before it came to it.

    It is run again as it was written, so that nothing red is of our making."""
    if completed.exit_code in (0, None) or completed.report:
        return False
    return plan.to_report or b"torre_" in completed.stdout + completed.stderr


def _result(check: Check, plan: _Plan, completed: Completed, workspace: Path) -> CheckResult:
    missing = _missing(completed)
    reading = Reading(None, (), missing) if missing else _read(check, plan, completed, workspace)
    return CheckResult(
        check=check,
        argv=plan.argv,
        exit_code=completed.exit_code,
        duration_s=completed.duration_s,
        killed=completed.killed,
        not_run="" if completed.killed else reading.not_run,
        tests=reading.tests,
        diagnostics=reading.diagnostics,
        output=_output(plan, completed, reading),
    )


def _read(check: Check, plan: _Plan, completed: Completed, workspace: Path) -> Reading:
    tool = plan.tool or (_reporter(completed) if completed.report else None)
    if tool is None:
        diagnostics = from_text(completed, workspace, check.directory, check.tool) if completed.exit_code else ()
        return Reading(None, diagnostics)
    if plan.owes_report and completed.exit_code == 0 and not completed.report:
        return Reading(None, (), NO_REPORT)
    try:
        return tool.read(completed, workspace, check.directory)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        # The code under test can write to the report too: what has not the tool's shape proves nothing.
        return Reading(None, (), f"the report of {tool.name} cannot be read")


def _reporter(completed: Completed) -> Tool:
    """The tool behind a line that reported: its reporter says so first."""
    names = [record.get("run") for record in records(completed.report)]
    carried = [tool for tool in tools() if tool.carry()]
    return next((tool for tool in carried if tool.name in names), carried[0])


def _output(plan: _Plan, completed: Completed, reading: Reading) -> str:
    text = text_of(completed).strip()
    if plan.to_report:
        text = "\n".join((*(_line(d) for d in reading.diagnostics), text))
    return text[-_TAIL_CHARS:]


def _line(diagnostic: Diagnostic) -> str:
    place = ":".join(str(part) for part in (diagnostic.path, diagnostic.line, diagnostic.column) if part)
    return strip_control(f"{place}: {diagnostic.severity}: {diagnostic.message} [{diagnostic.code}]")


def _missing(completed: Completed) -> str:
    """The sentence that names a tool which the command wanted and the sandbox does not have, or ""."""
    if completed.exit_code == 0 or completed.report:
        return ""
    text = text_of(completed)
    module = _MISSING_MODULE.search(text)
    if module and (module["name"] in _MODULES or _named(module["name"])):
        return _install(module["name"], _named(module["name"]))
    if completed.exit_code != _COMMAND_NOT_FOUND and f"Error {_COMMAND_NOT_FOUND}" not in text:
        return ""
    found = next((match for pattern in _MISSING for match in pattern.finditer(text)), None)
    return _install(found["name"], _named(found["name"])) if found else "a command was not found"


def _named(program: str) -> Tool | None:
    return next((tool for tool in tools() if tool.name == PurePosixPath(program).name), None)


def _install(program: str, tool: Tool | None) -> str:
    remedy = tool.install if tool else f"install {program}, or put it on PATH"
    return f"{program} is not installed: {remedy}"
