"""Find a workspace's own checks: what it wrote down for Torre, else what its files say, best source first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

from llm.checks import ci, config, declared, scripts, tasks
from llm.checks.recognise import tools
from llm.domain import Check

_MAX_PACKAGES = 64
_CONFIGURED = 0.8
"""From here on a tool was configured where it was found; below, only test files suggest it."""


def discover(workspace: Path, explicit: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks of a workspace, each with its source and confidence; names are unique.

    `explicit` commands replace discovery; so does `[tool.torre]`. () where nothing was found.
    InputError for an empty command, and for a `[tool.torre]` that holds anything unknown.
    """
    written = declared.explicit(explicit) or declared.configured(workspace)
    return _named(written or _merged(_found(workspace)))


def _found(workspace: Path) -> Iterator[Check]:
    yield from ci.discover(workspace)
    yield from tasks.discover(workspace)
    for package in _packages(workspace):
        where = package.relative_to(workspace).as_posix()
        for check in (*scripts.discover(package), *_from_tools(package)):
            yield replace(check, directory=where)


def _packages(workspace: Path) -> Iterator[Path]:
    yield workspace
    below = (d for d in config.directories(workspace) if d != workspace and config.is_package(d))
    yield from islice(below, _MAX_PACKAGES)


def _from_tools(directory: Path) -> Iterator[Check]:
    for tool in tools():
        for check in tool.discover(directory):
            yield replace(check, tool=tool.name, stage=check.stage if check.stage != "general" else tool.stage)


def _merged(found: Iterable[Check]) -> tuple[Check, ...]:
    """One check a tool and directory, of the most explicit source; several commands of one source stay."""
    kept: list[Check] = []
    for check in found:
        rivals = [k for k in kept if k.tool == check.tool and k.name == check.name and check.tool]
        if any(_supersedes(rival, check) for rival in rivals) or any(_same(k, check) for k in kept):
            continue
        kept.append(check)
    return _without_doubles(tuple(kept))


def _same(one: Check, other: Check) -> bool:
    return (one.command, one.directory) == (other.command, other.directory)


def _supersedes(kept: Check, check: Check) -> bool:
    if kept.directory == check.directory:
        return kept.source != check.source
    return check.confidence < _CONFIGURED and _covers(kept.directory, check.directory)


def _covers(parent: str, child: str) -> bool:
    return PurePosixPath(child).is_relative_to(parent)


def _without_doubles(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Leaves out what would only repeat others: `make test` where pytest is known, unittest beside pytest."""
    return tuple(c for c in checks if not any(_repeats(c, other) for other in checks))


def _repeats(check: Check, other: Check) -> bool:
    if check is other or check.stage != other.stage:
        return False
    if not other.tool:  # a script that does more than run the tool, a build first say, is what the authors meant
        return check.confidence < _CONFIGURED and bool(check.tool) and check.directory == other.directory
    if not check.tool:
        known = other.confidence >= _CONFIGURED
        return known and (_covers(check.directory, other.directory) or check.stage == "general")
    return check.tool == "unittest" and other.tool == "pytest" and _covers(other.directory, check.directory)


def _named(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """With unique names: the bare name, else with the directory, else the command, else counted."""
    names = [c.name for c in checks]
    for longer in (_with_directory, _with_command, _counted):
        twice = {name for name, n in Counter(names).items() if n > 1}
        names = [
            longer(c, n, names[:n].count(names[n])) if names[n] in twice else names[n]
            for n, c in enumerate(checks)
        ]
    return tuple(replace(c, name=name) for c, name in zip(checks, names, strict=True))


def _with_directory(check: Check, at: int, before: int) -> str:
    return check.name if check.directory == "." else f"{check.name} ({check.directory})"


def _with_command(check: Check, at: int, before: int) -> str:
    return check.command if check.directory == "." else f"{check.command} ({check.directory})"


def _counted(check: Check, at: int, before: int) -> str:
    return f"{_with_command(check, at, before)} #{before + 1}"
