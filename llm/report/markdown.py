"""A run as Markdown, for the summary of a CI job. Nothing in a workspace's own words becomes markup. Pure."""

from __future__ import annotations

import re

from llm.domain import CheckResult, Run
from llm.report.hiding import hidden
from llm.report.problems import is_proven, problems
from llm.report.text import Paint, last_line
from llm.triage.clean import strip_control

_MOST_PROBLEMS = 50
_MOST_CHARS = 400_000
"""GitHub refuses a summary of more than 1 MiB; a character is up to four bytes, and steps add up."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~@:-])")


def summary(run: Run) -> str:
    """Verdict, checks before and after, what was red, and the diff."""
    blocks = [f"### {plain(last_line(run, Paint(False)))}", plain(hidden(run.summary, run.keys))]
    blocks += [_checks(run), _problems(run), _diff(run)]
    text = "\n\n".join(block for block in blocks if block) + "\n"
    return text if len(text) <= _MOST_CHARS else text[:_MOST_CHARS].rpartition("\n")[0] + "\n"


def plain(text: str) -> str:
    """One line in which no character is markup."""
    line = " ".join(strip_control(text).split())
    return _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _checks(run: Run) -> str:
    winner = run.selection.winner
    after = {r.check.name: r for r in winner.results} if winner else {}
    rows = [
        f"| {plain(r.check.name)} | {_state(r)} | {_state(after.get(r.check.name))} |"
        for r in run.baseline.results
    ]
    return "\n".join(["| check | before | with the fix |", "| --- | --- | --- |", *rows]) if rows else ""


def _state(result: CheckResult | None) -> str:
    if result is None:
        return ""
    return "not run" if result.not_run else "green" if result.green else "**red**"


def _problems(run: Run) -> str:
    found = problems(run)
    lines = []
    for problem in found[:_MOST_PROBLEMS]:
        at = problem.diagnostic
        place = f" at {at.path}:{at.line}" if at.path and at.line else f" in {at.path}" if at.path else ""
        lines.append(f"- {plain(f'{problem.rule}{place}: {problem.headline}')}")
    more = [f"- and {len(found) - _MOST_PROBLEMS} more"] if len(found) > _MOST_PROBLEMS else []
    return "\n".join([*lines, *more])


def _diff(run: Run) -> str:
    if not run.diff:
        return ""
    title = "The proven fix" if is_proven(run) else "Not proven, so not a fix"
    return f"<details open><summary>{title}</summary>\n\n{fenced(strip_control(run.diff), 'diff')}\n\n</details>"
