"""pytest, reported by Torre's own plugin: node ids and outcomes as they happen, also through make and tox."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import invocation
from llm.checks.planting import TestFile, beside, failing_case, in_tests
from llm.checks.reading import NO_TESTS, from_report, from_text, records
from llm.domain import Check, Stage, TestStatus
from llm.sandbox.base import Completed
from llm.workspace import paths

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

    def control(self, scene: Scene) -> Iterator[Control]:
        def failing(file: TestFile, text: str) -> tuple[str, tuple[str, ...]]:
            return _failing(scene, file)

        for control in in_tests(scene, _test_files(scene), failing, inside="::"):
            argv = control.argv or scene.argv
            yield replace(control, argv=(*argv, "--maxfail=0") if argv else ())

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


def _test_files(scene: Scene) -> Iterator[TestFile]:
    """Node ids begin with a path relative to pytest's root, which is the check's directory or one above it."""
    starts = dict.fromkeys(name.partition("::")[0] for name in scene.tests if "::" in name)
    for start in (start for start in starts if start.endswith(".py")):
        places = (os.path.normpath(f"{scene.directory}/{start}"), start)
        path = next((place for place in places if scene.read(place) is not None), "")
        if path:
            yield TestFile(path, f"{start}::", f"{beside(start, scene.word)}::")


def _failing(scene: Scene, file: TestFile) -> tuple[str, tuple[str, ...]]:
    """Functions named like the file's own tests, so that `-k` and `python_functions` take them too, and a case."""
    known = next(name for name in scene.tests if name.startswith(file.start))
    like = known.partition("[")[0].rpartition("::")[2]
    name = f"{like}_{scene.word}"
    case, methods = failing_case(scene.word, like)
    names = (f"{name}_{number}" for number in range(_FUNCTIONS.count("def ")))
    cases = (f"Test_{scene.word}::{method}" for method in methods)
    code = _FUNCTIONS.replace("NAME", name) + case
    marked = "".join(f"@WORD_pytest.mark.{mark}\n" for mark in _marks(scene.argv))
    for kind in ("def", "class"):
        code = code.replace(f"\n{kind} ", f"\n{marked}{kind} ")
    return code.replace("WORD", scene.word), (*names, *cases)


def _marks(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The marks that the command's `-m` asks for."""
    asked = next(
        (after for word, after in pairwise(argv[3:] if argv[1:2] == ("-m",) else argv) if word == "-m"), ""
    )
    return tuple(dict.fromkeys(word for word in _MARK.findall(asked) if word not in ("and", "or", "not")))


_MARK = re.compile(r"(?<!not )\b[A-Za-z_]\w*")


_FUNCTIONS = """

import pytest as WORD_pytest


def NAME_0():
    left, right = [1, "WORD"], [2]
    assert left == right


def NAME_1():
    assert not WORD_pytest


def NAME_2():
    with WORD_pytest.raises(KeyError):
        pass


def NAME_3():
    assert 1.0 == WORD_pytest.approx(2.0)


def NAME_4():
    WORD_pytest.fail("WORD")


def NAME_5():
    raise ValueError("WORD")
"""


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
        text = paths.text(file)
        if "import pytest" in text or any(
            line.startswith(("def test", "async def test")) for line in text.splitlines()
        ):
            return file.relative_to(directory).as_posix()
    return ""


TOOL: Tool = Pytest()
