"""unittest, run by Torre's own runner: the same command line, with each outcome reported as it happens."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import invocation
from llm.checks.planting import TestFile, beside, failing_case, in_tests
from llm.checks.reading import NO_TESTS, from_report, from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed
from llm.workspace import paths

_NOTHING_RAN = 5  # since Python 3.12; 0 before


class Unittest(Tool):
    name = "unittest"
    stage = Stage.TESTS
    install = "a Python 3.8 or later (unittest is part of it)"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        for file in config.sources(directory, "test*.py"):
            if "TestCase" in paths.text(file):
                start = file.relative_to(directory).parent.as_posix()
                plain = start == "." or (file.parent / "__init__.py").is_file()
                command = "python -m unittest discover" if plain else f"python -m unittest discover -s '{start}'"
                yield Check("unittest", command, source=file.relative_to(directory).as_posix(), confidence=0.6)
                return

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        runner = (*run.launcher[:-2], str(INSIDE / "torre_unittest.py"))
        if only:
            flags = tuple(
                a for a in run.args if a in ("-v", "-f", "-b", "-c", "--verbose", "--failfast", "--buffer")
            )
            return Instrumented((*runner, *flags, *only))
        return Instrumented((*runner, *run.args))

    def control(self, scene: Scene) -> Iterator[Control]:
        def failing(file: TestFile, text: str) -> tuple[str, tuple[str, ...]]:
            code, methods = failing_case(scene.word)
            return code, tuple(f"Test_{scene.word}.{method}" for method in methods)

        files = tuple(_test_files(scene))
        for control in in_tests(scene, files, failing, inside="."):
            argv = (*(control.argv or scene.argv), *_modules(scene, files, control))
            yield replace(control, argv=tuple(word for word in argv if word not in ("-f", "--failfast")))

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        if not completed.report:
            return Reading(None, from_text(completed, workspace, directory, self.name))
        found = from_report(completed, workspace, directory, self.name)
        nothing = not found.tests and completed.exit_code in (0, _NOTHING_RAN)
        return Reading(found.tests, found.diagnostics, NO_TESTS if nothing else "")


def _test_files(scene: Scene) -> Iterator[TestFile]:
    """Ids are dotted names that begin with a module; where its file is depends on where discovery started."""
    places = (".", *(word for word in scene.argv[1:] if not word.startswith("-")))
    roots = [os.path.normpath(f"{scene.directory}/{place}") for place in places]
    for module in dict.fromkeys(module for name in scene.tests for module in _prefixes(name)):
        relative = module.replace(".", "/") + ".py"
        paths = (os.path.normpath(f"{root}/{relative}") for root in roots)
        path = next((path for path in paths if scene.read(path) is not None), "")
        if path:
            copied = beside(relative, scene.word).removesuffix(".py").replace("/", ".")
            yield TestFile(path, f"{module}.", f"{copied}.")


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _modules(scene: Scene, files: Iterable[TestFile], control: Control) -> Iterator[str]:
    """The planted modules, where the command names modules."""
    for file in files:
        module = file.start.removesuffix(".")
        named = any(word == module or word.startswith(file.start) for word in scene.argv)
        for word in (scene.word, f"{scene.word}0", f"{scene.word}1") if named else ():
            if beside(file.path, word) in control.files:
                yield file.copied.replace(scene.word, word).removesuffix(".")


TOOL: Tool = Unittest()
