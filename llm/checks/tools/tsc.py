"""The TypeScript compiler, by its plain text (it has no structured output)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llm.checks.base import Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import drop, invocation
from llm.checks.planting import in_sources
from llm.checks.reading import from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed
from llm.workspace import paths

_TYPED = (".ts", ".tsx", ".mts", ".cts", ".vue")
_PLAIN = (".js", ".jsx", ".mjs", ".cjs")


class Tsc(Tool):
    name = "tsc"
    stage = Stage.TYPES
    install = "npm install --save-dev typescript"

    def discover(self, directory: Path) -> Iterator[Check]:
        if (directory / "tsconfig.json").is_file():
            solution = '"references"' in paths.text(directory / "tsconfig.json")
            command = "tsc -b" if solution else "tsc --noEmit"
            yield Check("tsc", command, source="tsconfig.json", confidence=0.8)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program in ("tsc", "vue-tsc") and not {"-w", "--watch"} & set(run.args)

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        # At the end: `-b` has to come first.
        return Instrumented((*run.launcher, *drop(run.args, "--pretty"), "--pretty", "false"))

    def leaves_files(self, argv: tuple[str, ...]) -> bool:
        return "--noEmit" not in argv

    def control(self, scene: Scene) -> Iterator[Control]:
        for suffixes in (_TYPED, _PLAIN):
            yield from in_sources(scene, suffixes, f"export {{}};\n{scene.word};\n", scene.word)

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        return Reading(None, from_text(completed, workspace, directory, self.name))


TOOL: Tool = Tsc()
