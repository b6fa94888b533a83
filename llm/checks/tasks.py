"""Checks among the targets of make, just, tox, nox and pre-commit: only those named for a check.

A recipe that is nothing but known tools is seen through to them; any other is run as it is and trusted less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from llm.checks import config
from llm.checks.recognise import check_of, independent
from llm.domain import Check, Stage
from llm.workspace import paths

_NAMES = ("test", "tests", "check", "lint", "typecheck", "type-check", "types")
_RECIPE = re.compile(
    r"^(?P<name>[\w-]+)(?P<args>[^:=\n]*):(?!=)(?P<needs>[^\n]*)\n(?P<body>(?:[ \t]+[^\n]*(?:\n|$))*)", re.M
)
_SEEN_THROUGH, _AS_IS = 0.85, 0.5


def discover(workspace: Path) -> Iterator[Check]:
    """Targets in the order in which people use these runners."""
    yield from _recipes(workspace, ("justfile", "Justfile", ".justfile"), "just")
    yield from _recipes(workspace, ("GNUmakefile", "makefile", "Makefile"), "make")
    if "tox" in config.ini_sections(workspace / "tox.ini") or (workspace / "tox.toml").is_file():
        yield Check("tox", "tox", stage=Stage.TESTS, source="tox.ini", confidence=_AS_IS)
    sessions = re.findall(r"@nox\.session[^\n]*\ndef (\w+)", paths.text(workspace / "noxfile.py"))
    for name in (name for name in sessions if name in _NAMES):
        yield check_of(f"nox -s {name}", source="noxfile.py", confidence=_AS_IS)
    if (workspace / ".pre-commit-config.yaml").is_file():
        command = "pre-commit run --all-files"
        yield check_of(command, source=".pre-commit-config.yaml", confidence=_AS_IS - 0.1)


def _recipes(workspace: Path, files: tuple[str, ...], runner: str) -> Iterator[Check]:
    file = config.first(workspace, *files)
    for recipe in _RECIPE.finditer(paths.text(workspace / file) if file else ""):
        if recipe["name"] in _NAMES:
            yield from _recipe(recipe, f"{file} {recipe['name']}", runner)


def _recipe(recipe: re.Match[str], source: str, runner: str) -> Iterator[Check]:
    lines = [line.strip().lstrip("@-") for line in recipe["body"].splitlines() if line.strip()]
    if lines and independent(lines):
        yield from (check_of(line, source=source, confidence=_SEEN_THROUGH) for line in lines)
    elif lines or recipe["needs"].strip():
        yield check_of(f"{runner} {recipe['name']}", source=source, confidence=_AS_IS)
