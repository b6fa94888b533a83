"""Shell lines: which of them are one simple command, and which program that command runs.

Only such lines are ever changed; everything else goes to `sh -c` as it was written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
_NEEDS_SHELL = re.compile(r"[|&;<>()$`\\*?\[\]{}~#!\n\"']")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)?)?$")

_WRAPPERS: tuple[tuple[str, ...], ...] = (
    ("uv", "run"),
    ("uvx",),
    ("poetry", "run"),
    ("pdm", "run"),
    ("pipenv", "run"),
    ("hatch", "run"),
    ("rye", "run"),
    ("npx",),
    ("bunx",),
    ("npm", "exec"),
    ("pnpm", "exec"),
    ("yarn", "exec"),
    ("yarn", "run"),
    ("pnpm",),
    ("yarn",),
)
_WRAPPER_VALUES = {"--with", "--extra", "--group", "--only-group", "--python", "-p", "--package", "--env-file"}
_PYTHON_VALUES = {"-X", "-W"}


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its own `NAME=value` prefix and its words."""

    env: Mapping[str, str]
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command without its package manager: `launcher` starts `program`, `args` are the program's own.

    `uv run python -m pytest -q` is `("python", "-m", "pytest")`, `pytest`, `("-q",)`.
    """

    launcher: tuple[str, ...]
    program: str
    args: tuple[str, ...]


def parse(line: str) -> Command | None:
    """The simple command that a shell line is, or None where it needs a shell (pipes, globs, expansions)."""
    if _NEEDS_SHELL.search(_QUOTED.sub("", line.strip())):
        return None
    words = shlex.split(line)  # no quote can be open: the check above refuses a lone one
    split = next((n for n, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    env = dict(word.split("=", 1) for word in words[:split])
    return Command(env, tuple(words[split:])) if words[split:] else None


def line_of(command: Command) -> str:
    """The shell line that `parse` reads as this command."""
    return " ".join(
        [*(f"{name}={shlex.quote(value)}" for name, value in command.env.items()), shlex.join(command.argv)]
    )


def invocation(argv: tuple[str, ...]) -> Invocation:
    """Which program runs. Wrappers are left out: they want a network, and the sandbox's PATH has the
    workspace's own environment first anyway."""
    argv = _unwrapped(argv)
    size = _python_module(argv) if _PYTHON.match(PurePosixPath(argv[0]).name) else 1
    return Invocation(argv[:size], PurePosixPath(argv[size - 1]).name, argv[size:])


def drop(args: tuple[str, ...], *options: str) -> tuple[str, ...]:
    """The arguments without these options, each given as `--name value` or `--name=value`."""
    kept: list[str] = []
    words = iter(args)
    for word in words:
        if word in options:
            next(words, None)
        elif not word.startswith(tuple(f"{option}=" for option in options if option.startswith("--"))):
            kept.append(word)
    return tuple(kept)


def _unwrapped(argv: tuple[str, ...]) -> tuple[str, ...]:
    for wrapper in _WRAPPERS:
        if argv[: len(wrapper)] == wrapper:
            inner = _after_options(argv[len(wrapper) :], _WRAPPER_VALUES)
            return inner or argv
    return argv


def _after_options(words: tuple[str, ...], valued: set[str]) -> tuple[str, ...]:
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in valued else 1 :]
    return words


def _python_module(argv: tuple[str, ...]) -> int:
    """How many words start the module in `python [options] -m module`; 1 where no module is run."""
    at = 1
    while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-m", "-c"):
        at += 2 if argv[at] in _PYTHON_VALUES else 1
    return at + 2 if argv[at : at + 1] == ("-m",) and len(argv) > at + 1 else 1
