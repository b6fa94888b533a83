"""Which Python a check runs its tests with, and how; and which tests tell most about a change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llm.checks.command import invocation, parse
from llm.domain import Check, CheckResult, TestStatus
from llm.sandbox.base import Sandbox

_FRAMEWORKS = {"pytest": "pytest", "py.test": "pytest", "unittest": "unittest"}
_SHEBANG = re.compile(rb"#!(/\S*/(?:python|pypy)[\d.]*)\s*$")
_SHEBANG_BYTES = 512
_OTHERS_S = 2.0
_OTHERS_COUNT = 200


@dataclass(frozen=True, slots=True)
class Launch:
    """How a test check starts: interpreter with its options, framework, arguments, and the command's variables.

    `adds_directory`: the check's directory is on `sys.path` from the start, as after `python -m`.
    """

    python: tuple[str, ...]
    framework: str
    args: tuple[str, ...]
    adds_directory: bool
    env: Mapping[str, str]


def launch_of(check: Check, sandbox: Sandbox) -> Launch | None:
    """The launch of a pytest or unittest check, or None for any other command or a missing interpreter."""
    command = parse(check.command)
    run = invocation(command.argv) if command else None
    if command is None or run is None or run.program not in _FRAMEWORKS:
        return None
    framework = _FRAMEWORKS[run.program]
    as_module = run.launcher[-2:-1] == ("-m",)
    python: tuple[str, ...] = run.launcher[:-2]
    if not as_module:
        found = _python_of_script(run.launcher[-1], check.directory, sandbox)
        python = (found,) if found else ()
    program = sandbox.find(python[0], check.directory) if python else None
    if program is None and python[:1] in (("python",), ("python3",)):
        program = python_in(check.directory, sandbox)
    return Launch((program, *python[1:]), framework, run.args, as_module, command.env) if program else None


def python_in(directory: str, sandbox: Sandbox) -> str | None:
    """The interpreter that commands in a directory find."""
    return sandbox.find("python", directory) or sandbox.find("python3", directory)


def _python_of_script(script: str, directory: str, sandbox: Sandbox) -> str | None:
    """The interpreter in a console script's first line, else the one beside it."""
    found = sandbox.find(script, directory)
    if found is None:
        return python_in(directory, sandbox)
    with Path(found).open("rb") as file:
        named = _SHEBANG.match(file.readline(_SHEBANG_BYTES))
    if named:
        return named[1].decode(errors="surrogateescape")
    beside = Path(found).parent / "python"
    return str(beside) if beside.exists() else python_in(directory, sandbox)


def failing(result: CheckResult) -> tuple[str, ...]:
    """Ids of the tests that are red in a baseline."""
    red = (TestStatus.FAILED, TestStatus.ERROR)
    return tuple(t.id for t in result.tests or () if t.status in red)


def others_of(result: CheckResult) -> tuple[str, ...]:
    """Passing tests to run beside the failing ones: those of the same files first, within a second or two."""
    files = {_file_of(name) for name in failing(result)}
    passed = [t for t in result.tests or () if t.status is TestStatus.PASSED]
    passed.sort(key=lambda t: _file_of(t.id) not in files)
    chosen: list[str] = []
    left_s = _OTHERS_S
    for test in passed[:_OTHERS_COUNT]:
        left_s -= test.duration_s
        if left_s > 0:
            chosen.append(test.id)
    return tuple(chosen)


def _file_of(test_id: str) -> str:
    return test_id.split("::")[0] if "::" in test_id else test_id.rpartition(".")[0].rpartition(".")[0]
