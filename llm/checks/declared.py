"""Checks that somebody wrote down for Torre: `--check` and `[tool.torre]` in pyproject.toml. Nothing is guessed.

[tool.torre]
checks = ["pytest -q", { name = "web", command = "npm test", directory = "packages/web", stage = "tests" }]
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from llm.checks.recognise import check_of
from llm.domain import Check, Stage
from llm.errors import InputError

GIVEN = "--check"
"""Where a check comes from that the user named."""
_FILE = "pyproject.toml"
_KEYS = ("name", "command", "directory", "stage")


def explicit(commands: Sequence[str]) -> tuple[Check, ...]:
    """The checks of `--check`. InputError for an empty one."""
    for command in commands:
        if not command.strip() or "\0" in command:
            raise InputError("--check", "the command is empty" if not command.strip() else "holds a NUL byte")
    return tuple(check_of(command, source=GIVEN) for command in dict.fromkeys(commands))


def configured(workspace: Path) -> tuple[Check, ...]:
    """The checks of `[tool.torre]`, () where there is no such table. InputError for anything it does not know."""
    file = workspace / _FILE
    if not file.is_file():
        return ()
    try:
        text = file.read_text(errors="replace")
    except OSError as error:
        raise InputError(str(file), f"cannot be read: {error.strerror}") from error
    table = _table(text)
    if table is None:
        return ()
    reader = _Reader(workspace, text)
    reader.known(table, ("checks",), "tool.torre")
    entries = reader.typed(table.get("checks", []), list, "tool.torre.checks", "a list of commands")
    if not entries:
        raise reader.error("tool.torre.checks", "is empty: remove the table to have the checks discovered")
    return tuple(reader.check(entry, f"tool.torre.checks[{n}]") for n, entry in enumerate(entries))


def _table(text: str) -> Any:
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        if "tool.torre" in text:
            raise InputError(_FILE, f"cannot be read: {error}") from error
        return None  # a broken file that says nothing to Torre may be the very red to repair
    return tool.get("torre") if isinstance(tool, dict) else None


class _Reader:
    """Reads the entries; every refusal names file, line where it can be told, and key."""

    def __init__(self, workspace: Path, text: str) -> None:
        self.workspace = workspace
        self.lines = text.splitlines()

    def error(self, key: str, message: str, word: str = "checks") -> InputError:
        line = self._line(word)
        return InputError(f"{_FILE}{f':{line}' if line else ''} {key}", message)

    def _line(self, word: str) -> int:
        """The first line after `[tool.torre` that holds the word; 0 where it cannot be told."""
        start = next((n for n, line in enumerate(self.lines) if re.search(r"\btool\.torre\b", line)), 0)
        hits = (n for n, line in enumerate(self.lines[start:], start + 1) if word and word in line)
        return next(hits, 0)

    def known(self, table: Any, keys: tuple[str, ...], path: str) -> None:
        self.typed(table, dict, path, "a table")
        for key in table.keys() - set(keys):
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.0)[0]
            raise self.error(f"{path}.{key}", f"unknown key; the nearest valid one is {near!r}", word=key)

    def typed(self, value: Any, kind: type, path: str, wanted: str) -> Any:
        if not isinstance(value, kind):
            word = value if isinstance(value, str) else path.rpartition(".")[2].partition("[")[0]
            raise self.error(path, f"must be {wanted}, not {type(value).__name__}", word=word)
        return value

    def check(self, entry: Any, path: str) -> Check:
        if isinstance(entry, str):
            entry = {"command": entry}
        self.known(entry, _KEYS, path)
        for key, value in entry.items():
            self.typed(value, str, f"{path}.{key}", "a string")
        command, directory = entry.get("command", ""), self._directory(entry.get("directory", "."), path)
        if not command.strip():
            raise self.error(f"{path}.command", "is missing or empty")
        found = check_of(command, directory=directory, source=f"{_FILE} [tool.torre]")
        return replace(found, name=entry.get("name") or found.name, stage=self._stage(entry, found.stage, path))

    def _directory(self, directory: str, path: str) -> str:
        inside = not PurePosixPath(directory).is_absolute() and ".." not in PurePosixPath(directory).parts
        full = self.workspace / directory
        if not inside or not full.is_dir() or not full.resolve().is_relative_to(self.workspace.resolve()):
            message = f"{directory!r} is not a directory of the workspace"
            raise self.error(f"{path}.directory", message, word=directory)
        return PurePosixPath(directory).as_posix()

    def _stage(self, entry: dict[str, str], default: Stage, path: str) -> Stage:
        value = entry.get("stage", default.value)
        if value in Stage.__members__.values():
            return Stage(value)
        near = difflib.get_close_matches(value, [s.value for s in Stage], n=1, cutoff=0.0)[0]
        raise self.error(f"{path}.stage", f"{value!r} is no stage; the nearest is {near!r}", word=value)
