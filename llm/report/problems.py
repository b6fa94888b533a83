"""What is red, place by place, as CI systems and editors want to hear it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from llm.domain import ApplyStatus, CheckResult, Diagnostic, Mode, Run
from llm.report.hiding import without_secrets
from llm.report.line_edits import LineEdit, line_edits
from llm.triage.clean import strip_control

_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint of one red check. `check` is "" where it was read from a log that nothing could reproduce.

    The diagnostic's `path` is relative to the repository, in which the workspace may be a directory.
    """

    check: str
    diagnostic: Diagnostic

    @property
    def rule(self) -> str:
        """What kind of complaint it is: `mypy/arg-type`, `pytest`."""
        tool = self.diagnostic.tool or self.check
        return f"{tool}/{self.diagnostic.code}" if self.diagnostic.code else tool

    @property
    def headline(self) -> str:
        """The first line of the message."""
        return (self.diagnostic.message.strip().splitlines() or ["no message"])[0]


def problems(run: Run) -> tuple[Problem, ...]:
    """All that is red, unless the fix was applied; no secret is in it, and nothing that steers a terminal."""
    if is_applied(run):
        return ()
    found = [problem for result in run.baseline.red for problem in _of_check(result)]
    if not run.baseline.results:
        found = [Problem("", diagnostic) for diagnostic in run.triage.diagnostics]
    start = place_of(run)
    placed = (replace(p, diagnostic=_cleaned(p.diagnostic, start)) for p in found)
    told: tuple[Problem, ...] = without_secrets(tuple(dict.fromkeys(placed)), run.keys)
    return told


def place_of(run: Run) -> str:
    """Where the workspace lies in its repository: "" or a path that ends in a slash."""
    if run.request.workspace is None:
        return ""
    workspace = Path(os.path.realpath(run.request.workspace))
    above = (place for place in (workspace, *workspace.parents) if os.path.lexists(place / ".git"))
    place = workspace.relative_to(next(above, workspace)).as_posix()
    return "" if place == "." else f"{place}/"


def is_proven(run: Run) -> bool:
    """Whether the diff is a proof's: only then may it be called a fix."""
    return run.mode is Mode.PATCH and bool(run.diff)


def is_applied(run: Run) -> bool:
    """Whether the fix is in the files, and green there."""
    return run.applied is not None and run.applied.status is ApplyStatus.APPLIED


def offered_edits(run: Run) -> tuple[LineEdit, ...]:
    """The proven fix as edits of the files as they are now; none where lines cannot say it (see `line_edits`)."""
    return line_edits(run.diff) if is_proven(run) and not is_applied(run) else ()


def _of_check(result: CheckResult) -> Iterator[Problem]:
    """Its complaints; for a check that names no place, the end of what it printed."""
    name = result.check.name
    if result.diagnostics:
        yield from (Problem(name, diagnostic) for diagnostic in result.diagnostics)
        return
    tail = "\n".join(result.output.strip().splitlines()[-_TAIL_LINES:])
    ended = f"{name} was ended ({result.killed})" if result.killed else f"{name} is red (exit {result.exit_code})"
    yield Problem(name, Diagnostic(result.check.tool, f"{ended}\n{tail}".strip()))


def _cleaned(diagnostic: Diagnostic, start: str) -> Diagnostic:
    """A path that leaves the workspace names nothing that can be annotated."""
    path = diagnostic.path
    outside = path.startswith("/") or path.startswith("../")
    return replace(
        diagnostic,
        message=strip_control(diagnostic.message),
        path="" if outside or not path else strip_control(start + path),
        line=max(0, diagnostic.line),
        column=max(0, diagnostic.column),
    )
