"""ruff's own fixes: the safe ones and the formatter, then the unsafe ones for the red rules."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import relpath

from llm.domain import Candidate, CheckResult
from llm.fixers._tool import complaint, diff_of, invocations, options, red_checks, red_files
from llm.fixers.base import RedState
from llm.sandbox.base import Completed, Job, Limits

_VALUED = ("--output-format", "-o", "--output-file", "--fixable")
_FLAGS = ("--diff", "--check", "--fix", "--fix-only", "--watch", "-w", "--exit-non-zero-on-fix", "--statistics")
_PYTHON = (".py", ".pyi")

# The private view is thrown away after the job, so the texts leave by the report: a length line, then the bytes.
_EMIT = 'for f in "$@"; do wc -c <"$f" && cat "$f"; done >"$TORRE_REPORT"'


@dataclass(frozen=True, slots=True)
class _Work:
    """What is red of one check: lint commands (their words after `check`), formatter commands, the files."""

    directory: str
    lint: tuple[tuple[str, ...], ...]
    format: tuple[tuple[str, ...], ...]
    codes: tuple[str, ...]
    files: tuple[str, ...]


class RuffFixer:
    """Runs the checks' own ruff commands with `--fix`, narrowed to the rules that are red."""

    name = "ruff"
    rank = 0

    def wants(self, red: RedState) -> bool:
        """A red check that is ruff's."""
        return bool(red_checks(red, "ruff"))

    def missing(self, red: RedState) -> str:
        """ "" where the sandbox finds a ruff (Torre brings its own)."""
        return "" if red.sandbox.find("ruff") else "ruff, for its fixes: pip install ruff"

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """The safe fixes with the format, then the unsafe ones as well; each over all red ruff checks at once."""
        works = _works(red)
        seen = {""}
        for unsafe in (False, True):
            diff = _fixed(red, works, unsafe)
            if diff not in seen:
                seen.add(diff)
                origin = "ruff unsafe fixes" if unsafe else "ruff safe fixes"
                yield Candidate(diff=diff, origin=_named(origin, works), prior=0.9 if unsafe else 0.98)


def _works(red: RedState) -> list[_Work]:
    """The red checks, formatters last, and the green formatters too: a fix must not leave its file unformatted."""
    red_results = red_checks(red, "ruff")
    works = [_work(red, result) for result in red_results]
    for result in red.baseline:
        layout = _commands(red, result, "format")
        if layout and result not in red_results:
            works.append(_Work(result.check.directory, (), layout, (), ()))
    return sorted(works, key=lambda work: bool(work.format))


def _named(origin: str, works: list[_Work]) -> str:
    codes = sorted({code for work in works for code in work.codes})
    formatted = " and format" if any(work.format for work in works) else ""
    return f"{origin}{formatted} ({', '.join(codes)})" if codes else "ruff format"


def _work(red: RedState, result: CheckResult) -> _Work:
    """The ruff commands of a check; where its line shows none (`make lint`), plain ones over the red files."""
    lint, layout = _commands(red, result, "check"), _commands(red, result, "format")
    files = red_files(red, result, "ruff")
    if layout and (not lint or not files):
        files = sorted({*files, *_sources(red, result.check.directory)})
    if not lint and not layout:
        lint = (tuple(relpath(path, result.check.directory) for path in files),)
    return _Work(result.check.directory, lint, layout, _rules(result), tuple(files))


def _commands(red: RedState, result: CheckResult, verb: str) -> tuple[tuple[str, ...], ...]:
    found = [args[1:] for args in invocations(red, result, "ruff") if args[:1] == (verb,)]
    return tuple(tuple(options(args, _VALUED, _FLAGS)) for args in found)


def _rules(result: CheckResult) -> tuple[str, ...]:
    """Codes that are ruff rules (`F401`), not its words for a file that is not formatted or does not parse."""
    codes = {d.code for d in result.diagnostics if d.tool == "ruff"}
    return tuple(sorted(code for code in codes if code[:1].isupper() and code[-1:].isdigit()))


def _sources(red: RedState, directory: str) -> list[str]:
    prefix = "" if directory == "." else f"{directory}/"
    return [path for path in red.files if path.startswith(prefix) and path.endswith(_PYTHON)]


def _fixed(red: RedState, works: list[_Work], unsafe: bool) -> str:
    """The diff of all works, each starting from what the one before it left."""
    after: dict[str, str] = {}
    for work in works:
        after |= _run(red, work, after, unsafe)
    return diff_of(red, after)


def _run(red: RedState, work: _Work, texts: Mapping[str, str], unsafe: bool) -> dict[str, str]:
    """The texts of the work's files after ruff. A ruff that breaks changes nothing and is named."""
    paths = sorted({*work.files, *texts} if work.format else work.files)
    files = [relpath(path, work.directory) for path in paths]
    script = "\n".join(("{ :", *_script(work, unsafe), "} >&2", _EMIT))
    job = Job(
        argv=("sh", "-c", script, "sh", *files),
        directory=work.directory,
        files={path: text.encode(errors="surrogateescape") for path, text in texts.items()},
        limits=Limits(wall_s=max(1.0, min(60.0, red.remaining_s()))),
        cancel=red.cancel,
    )
    completed = red.sandbox.execute(job)
    found = _read(completed, paths)
    if paths and not found:
        red.progress(f"ruff made no fixes: {complaint(completed)}")
    return found


def _script(work: _Work, unsafe: bool) -> Iterator[str]:
    mode = "--unsafe-fixes" if unsafe else "--no-unsafe-fixes"
    fixable = ["--fixable", ",".join(work.codes)]
    for words in work.lint if work.codes else ():
        yield shlex.join(["ruff", "check", "--quiet", "--fix", mode, *fixable, *words])
    for words in work.format:
        yield shlex.join(["ruff", "format", "--quiet", *words])


def _read(completed: Completed, paths: list[str]) -> dict[str, str]:
    """The emitted texts in the order of `paths`; nothing at all if the report is not what the script writes."""
    found: dict[str, str] = {}
    rest = completed.report
    for path in paths:
        length, newline, rest = rest.partition(b"\n")
        if not newline or not length.strip().isdigit() or len(rest) < int(length):
            return {}
        found[path] = rest[: int(length)].decode(errors="surrogateescape")
        rest = rest[int(length) :]
    return found


FIXER = RuffFixer()
