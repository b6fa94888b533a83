"""mypy: `-O json` (1.11 or later); an older one refuses the option and is read as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llm.checks import config
from llm.checks.base import Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import drop, invocation
from llm.checks.planting import in_sources
from llm.checks.reading import from_text, records, relative
from llm.domain import Check, Diagnostic, Stage
from llm.sandbox.base import Completed

_NAMES_FILES = {"files", "packages", "modules"}


class Mypy(Tool):
    name = "mypy"
    stage = Stage.TYPES
    install = "python -m pip install mypy"

    def discover(self, directory: Path) -> Iterator[Check]:
        for source, table in _tables(directory):
            if table is not None:
                command = "mypy" if _NAMES_FILES & table.keys() else "mypy ."
                yield Check("mypy", command, source=source, confidence=0.9)
                return

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = drop(run.args, "-O", "--output")
        # With JSON mypy ends with code 1 for a mere note; this is the note that green code gets.
        quiet = ("--disable-error-code", "annotation-unchecked")
        return Instrumented((*run.launcher, "-O", "json", *quiet, *rest), to_report=True)

    def control(self, scene: Scene) -> Iterator[Control]:
        return in_sources(scene, (".py", ".pyi"), f"{scene.word}\n", scene.word)

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        found = tuple(
            _diagnostic(r, relative(r["file"], workspace, directory))
            for r in records(completed.report)
            if "file" in r and r.get("severity") != "note"
        )
        return Reading(None, found or from_text(completed, workspace, directory, self.name))


def _tables(directory: Path) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    for name in ("mypy.ini", ".mypy.ini", "setup.cfg"):
        yield f"{name} [mypy]", config.ini_sections(directory / name).get("mypy")
    yield "pyproject.toml [tool.mypy]", config.pyproject(directory, "mypy")


def _diagnostic(found: Mapping[str, Any], path: str) -> Diagnostic:
    column = max(found.get("column", -1), -1) + 1
    line = max(found.get("line", 0), 0)
    return Diagnostic("mypy", found["message"], path, line, column, found.get("code") or "", found["severity"])


TOOL: Tool = Mypy()
