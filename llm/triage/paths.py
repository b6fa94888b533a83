"""Paths of diagnostics, made relative to the workspace that they are about."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from llm.domain import Diagnostic


def relative_to(diagnostics: Iterable[Diagnostic], workspace: Path) -> tuple[Diagnostic, ...]:
    """The same diagnostics with POSIX paths relative to `workspace` where that can be told.

    A path from another machine (`/home/runner/work/app/app/src/x.py`) becomes its longest ending that is a file
    here. What stays absolute or leads outside is not in the workspace. Only file names are looked up.
    """
    return tuple(replace(each, path=_relative(each.path, workspace)) for each in diagnostics)


def _relative(path: str, workspace: Path) -> str:
    if not path:
        return path
    plain = PureWindowsPath(path).as_posix() if "\\" in path else path
    if not (PurePosixPath(plain).is_absolute() or PureWindowsPath(plain).is_absolute()):
        return PurePosixPath(plain).as_posix()
    return _inside(plain, workspace) or _known_ending(plain, workspace) or path


def _inside(path: str, workspace: Path) -> str:
    for root in (workspace, workspace.resolve()):
        if PurePosixPath(path).is_relative_to(root.as_posix()):
            inside = PurePosixPath(path).relative_to(root.as_posix())
            return "" if ".." in inside.parts else inside.as_posix()
    return ""


def _known_ending(path: str, workspace: Path) -> str:
    parts = PurePosixPath(path).parts[1:]
    endings = ("/".join(parts[i:]) for i in range(len(parts)) if ".." not in parts[i:])
    # os.path.isfile, as Path.is_file raises on a name that is too long, and a log can hold any
    return next((ending for ending in endings if os.path.isfile(workspace / ending)), "")  # noqa: PTH113
