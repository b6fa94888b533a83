"""pyright (and basedpyright, which takes and gives the same) by its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm.checks import config
from llm.checks.base import Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import invocation
from llm.checks.planting import in_sources
from llm.checks.reading import document, relative, unstructured
from llm.domain import Check, Diagnostic, Stage
from llm.sandbox.base import Completed


class Pyright(Tool):
    name = "pyright"
    stage = Stage.TYPES
    install = "npm install --save-dev pyright (or: python -m pip install pyright)"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source = config.first(directory, "pyrightconfig.json")
        if not source and config.pyproject(directory, "pyright") is not None:
            source = "pyproject.toml [tool.pyright]"
        if source:
            yield Check("pyright", "pyright", source=source, confidence=0.9)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program in ("pyright", "basedpyright") and not {"-w", "--watch"} & set(run.args)

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = tuple(a for a in run.args if a not in ("--outputjson", "--stats", "--verbose"))
        return Instrumented((*run.launcher, "--outputjson", *rest), to_report=True)

    def control(self, scene: Scene) -> Iterator[Control]:
        return in_sources(scene, (".py", ".pyi"), f"{scene.word}\n", scene.word)

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        found = document(completed.report)
        if found is None:
            return unstructured(completed, workspace, directory, self.name)
        complaints = found.get("generalDiagnostics", ())
        return Reading(None, tuple(_diagnostic(d, relative(d["file"], workspace, directory)) for d in complaints))


def _diagnostic(found: dict[str, Any], path: str) -> Diagnostic:
    at = (found.get("range") or {}).get("start") or {"line": -1, "character": -1}
    line, column = at["line"] + 1, at["character"] + 1
    return Diagnostic("pyright", found["message"], path, line, column, found.get("rule", ""), found["severity"])


TOOL: Tool = Pyright()
