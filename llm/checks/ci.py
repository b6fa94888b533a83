"""Checks among the `run:` lines of GitHub workflows: only lines that simply run a known tool are believed.

Nothing else of a workflow is ever run: it installs, deploys and publishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from llm.checks.command import parse
from llm.checks.recognise import check_of
from llm.domain import Check
from llm.workspace import paths

_CONFIDENCE = 0.95


def discover(workspace: Path) -> Iterator[Check]:
    """Checks of .github/workflows, each in the step's working directory. A broken workflow says nothing."""
    folder = workspace / ".github" / "workflows"
    for file in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        for line, directory in _lines(paths.text(file)):
            check = check_of(
                line, directory=directory, source=f".github/workflows/{file.name}", confidence=_CONFIDENCE
            )
            if check.tool and (workspace / directory).is_dir():
                yield check


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Simple command lines with their directories."""
    import yaml

    try:
        workflow = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    for job in _mappings(_mapping(_mapping(workflow).get("jobs")).values()):
        default = _mapping(_mapping(job.get("defaults")).get("run")).get("working-directory", ".")
        for step in _mappings(job.get("steps")):
            directory = _inside(step.get("working-directory", default))
            if directory and isinstance(step.get("run"), str):
                lines = (line.strip() for line in step["run"].splitlines())
                yield from ((line, directory) for line in lines if line and parse(line))


def _inside(directory: Any) -> str:
    path = PurePosixPath(str(directory))
    return "" if path.is_absolute() or ".." in path.parts or "$" in str(path) else path.as_posix()


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(values: Any) -> list[dict[Any, Any]]:
    return [v for v in values or () if isinstance(v, dict)] if not isinstance(values, (str, int)) else []
