"""GitHub Actions: annotations on stdout, and a summary of the job in the file that `GITHUB_STEP_SUMMARY` names.

GitHub shows at most ten annotations of a level and step, and drops the others in silence: they are counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from llm.domain import Run
from llm.report.base import Format, Written, remark
from llm.report.markdown import summary
from llm.report.problems import Problem, is_applied, is_proven, problems

_MOST = 10
_MESSAGE_CHARS = 2_000
_LEVELS = {"error": "error", "warning": "warning"}


class _Github:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`. Paths are relative to the repository."""
        named = env.get("GITHUB_STEP_SUMMARY", "")
        appended = {Path(named): summary(run)} if named else {}
        return Written("\n".join(_annotations(run)), remark(run), appended)


FORMAT: Format = _Github()


def command(level: str, message: str, **properties: str | int) -> str:
    """One workflow command; nothing in a message or a property can end it or begin another."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' * bool(given)}{given}::{_data(message)}"


def _annotations(run: Run) -> Iterator[str]:
    by_level: dict[str, list[Problem]] = {"error": [], "warning": [], "notice": []}
    for problem in problems(run):
        by_level[_LEVELS.get(problem.diagnostic.severity, "notice")].append(problem)
    for level, found in by_level.items():
        room = _MOST - (level == "notice")  # the verdict is a notice too
        shown = found if len(found) <= room else found[: room - 1]
        yield from (_annotation(level, problem) for problem in shown)
        if shown is not found:
            yield command(level, f"{len(found) - len(shown)} more: see the job summary", title="torre")
    if not run.nothing_red:
        proven = _outcome(run)
        yield command("notice", f"{proven}\n{remark(run)}", title="torre")


def _outcome(run: Run) -> str:
    if is_applied(run):
        return "a proven fix was applied"
    return "a proven fix is in the job summary" if is_proven(run) else "there is no proven fix"


def _annotation(level: str, problem: Problem) -> str:
    at = problem.diagnostic
    line = {"line": at.line, "col": at.column} if at.path and at.line else {}
    return command(level, at.message[:_MESSAGE_CHARS], file=at.path, **line, title=problem.rule)


def _data(value: object) -> str:
    return str(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
