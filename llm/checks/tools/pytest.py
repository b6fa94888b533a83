"""pytest, reported by Torre's own plugin: node ids and outcomes as they happen, also through make and tox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Instrumented, Reading, Tool
from llm.checks.command import invocation
from llm.checks.reading import NO_TESTS, from_report, from_text, records
from llm.domain import Check, Stage, TestStatus
from llm.sandbox.base import Completed

_NOTHING_COLLECTED = 5
_VARIABLE_CHARS = 100_000  # Linux takes 128 KiB in one variable; for more tests than that all are run
_ENVIRONMENT = {"PYTEST_ADDOPTS": "-p torre_pytest_plugin", "PYTHONPATH": str(INSIDE / "torre_pytest")}


class Pytest(Tool):
    name = "pytest"
    stage = Stage.TESTS
    install = "python -m pip install pytest"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source, confidence = _configured(directory), 0.9
        if not source:
            source, confidence = _test_file(directory), 0.7
        if source:
            yield Check("pytest", "python -m pytest", source=source, confidence=confidence)

    def matches(self, argv: tuple[str, ...]) -> bool:
        return invocation(argv).program in ("pytest", "py.test")

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        return Instrumented((*run.launcher, *run.args), self.carry(only))

    def carry(self, only: tuple[str, ...] = ()) -> Mapping[str, str]:
        wanted = json.dumps(only)
        fits = only and len(wanted) < _VARIABLE_CHARS
        return {**_ENVIRONMENT, "TORRE_ONLY": wanted} if fits else _ENVIRONMENT

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        if not completed.report:
            return Reading(None, from_text(completed, workspace, directory, self.name))
        found = from_report(completed, workspace, directory, self.name)
        if completed.exit_code == 0 and not any("finished" in record for record in records(completed.report)):
            return Reading(found.tests, found.diagnostics, "the run ended without finishing its report")
        tests = tuple(found.tests or ())
        nothing = completed.exit_code == _NOTHING_COLLECTED and all(t.status is TestStatus.SKIPPED for t in tests)
        if nothing or (completed.exit_code == 0 and not tests):
            return Reading(tests, (), NO_TESTS)
        return found if tests else Reading((), from_text(completed, workspace, directory, self.name))


def _configured(directory: Path) -> str:
    if config.pyproject(directory, "pytest") is not None:
        return "pyproject.toml [tool.pytest]"
    for name, section in (("setup.cfg", "tool:pytest"), ("tox.ini", "pytest"), ("pytest.ini", "pytest")):
        if section in config.ini_sections(directory / name):
            return f"{name} [{section}]"
    return config.first(directory, "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "conftest.py")


def _test_file(directory: Path) -> str:
    """A test file that unittest alone would not run: it has a plain test function, or it asks for pytest."""
    for file in config.sources(directory, "test_*.py", "*_test.py"):
        text = config.text(file)
        if "import pytest" in text or any(
            line.startswith(("def test", "async def test")) for line in text.splitlines()
        ):
            return file.relative_to(directory).as_posix()
    return ""


TOOL: Tool = Pytest()
