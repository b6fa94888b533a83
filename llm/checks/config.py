"""What a directory says about itself: its configuration files, read leniently, and its source files.

Discovery must survive a broken file (it may be the very red to be repaired): such a file says nothing.
"""

from __future__ import annotations

import configparser
import json
import os
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any

from llm.workspace.paths import text

MAX_DEPTH = 4
_MAX_DIRECTORIES = 2000
_PACKAGE_FILES = (
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "pytest.ini",
    "mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    "pyrightconfig.json",
    "tsconfig.json",
    "vitest.config.*",
    "jest.config.*",
    "eslint.config.*",
    "go.mod",
    "Cargo.toml",
)
_OUTPUTS = frozenset(["build", "dist", "out", "target", "coverage", "htmlcov", "__pycache__", "__snapshots__"])
_FOREIGN = frozenset(["node_modules", "bower_components", "venv", "env", "site-packages", "vendor", "third_party"])
_EXAMPLES = frozenset(["fixtures", "testdata", "__fixtures__", "examples"])
_SKIPPED = _OUTPUTS | _FOREIGN | _EXAMPLES


def pyproject(directory: Path, tool: str) -> dict[str, Any] | None:
    """The `[tool.NAME]` table of a directory's pyproject.toml, or None."""
    try:
        found = tomllib.loads(text(directory / "pyproject.toml")).get("tool", {}).get(tool)
    except (tomllib.TOMLDecodeError, AttributeError):
        return None
    return found if isinstance(found, dict) else None


def package(directory: Path) -> dict[str, Any]:
    """package.json, {} where there is none or it is broken."""
    try:
        found = json.loads(text(directory / "package.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def depends_on(directory: Path, name: str) -> bool:
    """Whether package.json names a package among its dependencies."""
    found = package(directory)
    groups = (found.get(key) for key in ("dependencies", "devDependencies"))
    return any(isinstance(group, dict) and name in group for group in groups)


def ini_sections(path: Path) -> dict[str, dict[str, str]]:
    """The sections of an INI file, {} where it is absent or broken."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text(path))
    except configparser.Error:
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}


def first(directory: Path, *patterns: str) -> str:
    """The name of the first file here that fits one of the patterns, in their order, or ""."""
    names = [entry.name for entry in _entries(directory) if _is_file(entry)]
    return next((name for pattern in patterns for name in names if fnmatch(name, pattern)), "")


def is_package(directory: Path) -> bool:
    """Whether a directory has a configuration of its own, so that its checks run in it."""
    return bool(first(directory, *_PACKAGE_FILES))


def directories(top: Path, into_packages: bool = True) -> Iterator[Path]:
    """`top` and the directories beneath that hold sources, breadth first; links and outputs are left out."""
    level = [top]
    for _ in range(MAX_DEPTH + 1):
        yield from level
        below = (child for parent in level for child in _children(parent))
        level = [child for child in below if into_packages or not is_package(child)]


def sources(top: Path, *patterns: str) -> Iterator[Path]:
    """Files of this package that fit a pattern, in a bounded walk; packages beneath it are not gone into."""
    for directory in islice(directories(top, into_packages=False), _MAX_DIRECTORIES):
        for file in _entries(directory):
            if any(fnmatch(file.name, pattern) for pattern in patterns) and _is_file(file):
                yield Path(file.path)


def _children(directory: Path) -> Iterator[Path]:
    for entry in _entries(directory):
        hidden = entry.name.startswith(".") or entry.name.endswith(".egg-info")
        if not hidden and entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:  # unreadable, or gone meanwhile: it holds nothing for us
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a directory that may be listed but not entered
        return False
