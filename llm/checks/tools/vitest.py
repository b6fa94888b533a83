"""vitest in run mode, by its JSON reporter."""

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

_OTHER_MODES = {"dev", "watch", "bench", "init", "list", "-w", "--watch", "--ui"}

_REGISTER = 'import { test as WORD } from "vitest";'


class Vitest(Tool):
    name = "vitest"
    stage = Stage.TESTS
    install = "npm install --save-dev vitest"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source = config.first(directory, "vitest.config.*", "vitest.workspace.*")
        if not source and config.depends_on(directory, self.name):
            source = next((file.name for file in config.sources(directory, "*.test.*", "*.spec.*")), "")
        if source:
            yield Check("vitest", "vitest run", source=source, confidence=0.85)

    def matches(self, argv: tuple[str, ...]) -> bool:
        return invocation(argv).program == self.name

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        # Without `run` it would watch and never end.
        rest = tuple(a for a in drop(run.args, "--reporter", "--outputFile") if a not in _OTHER_MODES | {"--run"})
        words = rest if rest[:1] in (("run",), ("related",)) else ("run", *rest)
        return Instrumented((*run.launcher, *words, "--reporter=json"), to_report=True)

    def control(self, scene: Scene) -> Iterator[Control]:
        added = failing_tests(scene.word, _REGISTER)
        again = known_names(scene, EXPECTATIONS[0])
        for control in in_tests(scene, files_of(scene), lambda file, text: added, again):
            argv = control.argv or scene.argv
            yield replace(control, argv=(*drop(argv, "--bail"), "--bail=0") if argv else ())

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return jest_json.read(completed, workspace, directory, self.name)


TOOL: Tool = Vitest()
