"""jest by its `--json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llm.checks import config, jest_json
from llm.checks.base import Instrumented, Reading, Tool
from llm.checks.command import drop, invocation
from llm.domain import Check, Stage
from llm.sandbox.base import Completed

_WATCH = {"--watch", "--watchAll", "--json"}


class Jest(Tool):
    name = "jest"
    stage = Stage.TESTS
    install = "npm install --save-dev jest"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source = config.first(directory, "jest.config.*")
        if not source and "jest" in config.package(directory):
            source = "package.json jest"
        if source:
            yield Check("jest", "jest", source=source, confidence=0.85)

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = tuple(a for a in drop(run.args, "--outputFile", "--reporters") if a not in _WATCH)
        return Instrumented((*run.launcher, *rest, "--json"), to_report=True)

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return jest_json.read(completed, workspace, directory, self.name)


TOOL: Tool = Jest()
