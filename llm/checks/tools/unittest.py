"""unittest, run by Torre's own runner: the same command line, with each outcome reported as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Instrumented, Reading, Tool
from llm.checks.command import invocation
from llm.checks.reading import NO_TESTS, from_report, from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed

_NOTHING_RAN = 5  # since Python 3.12; 0 before


class Unittest(Tool):
    name = "unittest"
    stage = Stage.TESTS
    install = "a Python 3.8 or later (unittest is part of it)"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        for file in config.sources(directory, "test*.py"):
            if "TestCase" in config.text(file):
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

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        if not completed.report:
            return Reading(None, from_text(completed, workspace, directory, self.name))
        found = from_report(completed, workspace, directory, self.name)
        nothing = not found.tests and completed.exit_code in (0, _NOTHING_RAN)
        return Reading(found.tests, found.diagnostics, NO_TESTS if nothing else "")


TOOL: Tool = Unittest()
