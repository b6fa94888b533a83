"""eslint by its JSON formatter."""

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

_SEVERITY = {1: "warning", 2: "error"}
_SUFFIXES = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue")


class Eslint(Tool):
    name = "eslint"
    stage = Stage.STYLE
    install = "npm install --save-dev eslint"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        source = config.first(directory, "eslint.config.*", ".eslintrc", ".eslintrc.*")
        if not source and "eslintConfig" in config.package(directory):
            source = "package.json eslintConfig"
        if source:
            yield Check("eslint", "eslint .", source=source, confidence=0.85)

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program == self.name and "--fix" not in run.args

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = drop(run.args, "-f", "--format", "-o", "--output-file")
        return Instrumented((*run.launcher, "--format=json", *rest), to_report=True)

    def control(self, scene: Scene) -> Iterator[Control]:
        return in_sources(scene, _SUFFIXES, f"{scene.word} {scene.word} (\n")

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        found = document(completed.report)
        if found is None:
            return unstructured(completed, workspace, directory, self.name)
        placed = ((d, relative(f["filePath"], workspace, directory)) for f in found for d in f["messages"])
        return Reading(None, tuple(_diagnostic(d, path) for d, path in placed))


def _diagnostic(found: dict[str, Any], path: str) -> Diagnostic:
    code = found.get("ruleId") or ("parse-error" if found.get("fatal") else "")
    line, column = found.get("line") or 0, found.get("column") or 0
    return Diagnostic("eslint", found["message"], path, line, column, code, _SEVERITY[found["severity"]])


TOOL: Tool = Eslint()
