"""The go command: build, vet and test, by their plain text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llm.checks.base import Instrumented, Reading, Tool
from llm.checks.command import invocation
from llm.checks.reading import from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed


class Go(Tool):
    name = "go"
    stage = Stage.BUILD
    install = "see https://go.dev/dl"

    def discover(self, directory: Path) -> Iterator[Check]:
        if (directory / "go.mod").is_file():
            for verb, stage in (("build", Stage.BUILD), ("vet", Stage.STYLE), ("test", Stage.TESTS)):
                yield Check(f"go {verb}", f"go {verb} ./...", stage=stage, source="go.mod", confidence=0.8)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program == self.name and run.args[:1] in (("build",), ("vet",), ("test",))

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        return Instrumented(argv)

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return Reading(None, from_text(completed, workspace, directory, self.name))


TOOL: Tool = Go()
