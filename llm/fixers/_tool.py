"""What fixers that run a workspace's own tool share: which red checks are the tool's, with which options."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from pathlib import PurePosixPath

from llm.checks.command import drop, invocation, parse
from llm.domain import CheckResult
from llm.fixers.base import RedState
from llm.sandbox.base import Completed

_SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
_RUNNERS = frozenset({"npm", "pnpm", "yarn", "bun"})


def red_checks(red: RedState, tool: str) -> list[CheckResult]:
    """The red checks of the baseline that are this tool's, carry a diagnostic of it, or run it among others."""
    return [
        result
        for result in red.baseline
        if not (result.green or result.not_run)
        and (
            result.check.tool == tool
            or any(d.tool == tool for d in result.diagnostics)
            or any(True for _ in invocations(red, result, tool))
        )
    ]


def red_files(red: RedState, result: CheckResult, tool: str) -> list[str]:
    """The source files that a check's diagnostics of this tool lie in, sorted."""
    return sorted({d.path for d in result.diagnostics if d.tool == tool} & red.files.keys())


def invocations(red: RedState, result: CheckResult, program: str) -> Iterator[tuple[str, ...]]:
    """The words after `program` for each time that the check runs it, package scripts looked up once."""
    directory = PurePosixPath(result.check.directory)
    for words in _commands(result.check.command):
        script = _script(red, directory, words)
        for argv in _commands(script) if script else [words]:
            found = invocation(argv)
            if found.program == program:
                yield found.args


def options(args: tuple[str, ...], valued: Collection[str], flags: Collection[str]) -> list[str]:
    """The words without these options, `valued` with their values: what a check says on reporting, say."""
    return [word for word in drop(args, *valued) if word not in flags]


def diff_of(red: RedState, texts: Mapping[str, str]) -> str:
    """The unified diff from the workspace to these texts, "" where nothing changed. Only known sources count."""
    from llm.workspace.diff import make_diff

    changed = {path: text for path, text in texts.items() if red.files.get(path, text) != text}
    return make_diff({path: red.files[path] for path in changed}, changed)


def complaint(completed: Completed) -> str:
    """One line on why a job gave no result."""
    lines = completed.stderr.decode(errors="replace").strip().splitlines()
    return completed.killed or (lines[0] if lines else f"exit code {completed.exit_code}")


def _commands(line: str) -> list[tuple[str, ...]]:
    """The simple commands of a shell line. Quoting that does not close makes none: the shell refuses it too."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return []
    groups = [tuple(group) for between, group in groupby(words, _SEPARATORS.__contains__) if not between]
    commands = [parse(shlex.join(group)) for group in groups]
    return [command.argv for command in commands if command]


def _script(red: RedState, directory: PurePosixPath, words: tuple[str, ...]) -> str:
    """The package script that `npm run NAME` (or `yarn NAME`) stands for, with its further words, or ""."""
    if words[0] not in _RUNNERS or len(words) < 2:
        return ""
    rest = words[2:] if words[1] in ("run", "run-script") else words[1:]
    text = red.files.get(str(directory / "package.json"))
    if not rest or text is None:
        return ""
    try:
        script = json.loads(text)["scripts"][rest[0]]
    except (ValueError, KeyError, TypeError):
        return ""  # not a script of this package: then the words themselves are the command
    return " ".join([str(script), *(shlex.quote(w) for w in rest[1:] if w != "--")])
