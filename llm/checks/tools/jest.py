"""jest by its `--json`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from llm.checks import config, jest_json
from llm.checks.base import Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import drop, invocation
from llm.checks.planting import EXPECTATIONS, failing_tests, files_of, in_tests, known_names
from llm.domain import Check, Stage
from llm.sandbox.base import Completed

_WATCH = {"--watch", "--watchAll", "--json"}

_BAIL = {"-b", "--bail"}
_REGISTER = 'const WORD = typeof test === "function" ? test : it;'


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

    def control(self, scene: Scene) -> Iterator[Control]:
        added = failing_tests(scene.word, _REGISTER)
        again = known_names(scene, EXPECTATIONS[0])
        for control in in_tests(scene, files_of(scene), lambda file, text: added, again):
            argv = control.argv or scene.argv
            yield replace(
                control, argv=(*(word for word in argv if word not in _BAIL), "--bail=0") if argv else ()
            )

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return jest_json.read(completed, workspace, directory, self.name)


TOOL: Tool = Jest()
