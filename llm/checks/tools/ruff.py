"""ruff: `ruff check` and `ruff format --check` by their JSON; an older `format` has none and is read as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm.checks import config
from llm.checks.base import Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import drop, invocation
from llm.checks.planting import in_sources
from llm.checks.reading import document, relative, unstructured
from llm.domain import Check, Diagnostic, Stage
from llm.sandbox.base import Completed


class Ruff(Tool):
    name = "ruff"
    stage = Stage.STYLE
    install = "python -m pip install ruff"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source = config.first(directory, "ruff.toml", ".ruff.toml")
        if not source and config.pyproject(directory, "ruff") is not None:
            source = "pyproject.toml [tool.ruff]"
        if source:
            yield Check("ruff", "ruff check .", source=source, confidence=0.9)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        if run.program != "ruff" or "--fix" in run.args:
            return False
        return run.args[:1] == ("check",) or (run.args[:1] == ("format",) and "--check" in run.args)

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = drop(run.args[1:], "--output-format")
        return Instrumented((*run.launcher, run.args[0], "--output-format=json", *rest), to_report=True)

    def control(self, scene: Scene) -> Iterator[Control]:
        run = invocation(scene.argv) if scene.argv else None
        code = "{0}   =   [ 1 ]\n" if run and run.args[:1] == ("format",) else "def {0}(:\n"
        return in_sources(scene, (".py", ".pyi"), code.format(scene.word))

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        found = document(completed.report)
        if found is None:
            return unstructured(completed, workspace, directory, self.name)
        return Reading(None, tuple(_diagnostic(d, relative(d["filename"], workspace, directory)) for d in found))


def _diagnostic(found: dict[str, Any], path: str) -> Diagnostic:
    at = found.get("location") or {}
    code = found.get("code") or "syntax-error"
    return Diagnostic("ruff", found["message"], path, at.get("row", 0), at.get("column", 0), code)


TOOL: Tool = Ruff()
