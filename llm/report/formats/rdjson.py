"""Reviewdog Diagnostic Format (`reviewdog -f=rdjson`): the complaints, and the proven fix as suggestions.

Reviewdog offers a suggestion only where its lines are the diagnostic's own, so that each part of the fix is a
diagnostic of its own, which tells what was wrong there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llm.domain import Run
from llm.report.base import Format, Written, remark
from llm.report.line_edits import LineEdit
from llm.report.problems import Problem, offered_edits, place_of, problems

_SEVERITIES = {"error": "ERROR", "warning": "WARNING"}


class _Rdjson:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`. Paths are relative to the repository."""
        source = {"name": "torre"}
        return Written(json.dumps({"source": source, "diagnostics": _diagnostics(run)}, indent=1), remark(run))


FORMAT: Format = _Rdjson()


def _diagnostics(run: Run) -> list[dict[str, Any]]:
    """The parts of the fix first; then what none of them covers. A complaint without a file cannot be shown."""
    found = [p for p in problems(run) if p.diagnostic.path]
    edits = offered_edits(run)
    start = place_of(run)
    covered = {p: edit for edit in edits for p in found if _covers(edit, p, start)}
    parts = [
        _part(edit, start, number, len(edits), [p for p, at in covered.items() if at is edit])
        for number, edit in enumerate(edits, 1)
    ]
    return [*parts, *(_plain(p) for p in found if p not in covered)]


def _covers(edit: LineEdit, problem: Problem, start: str) -> bool:
    at = problem.diagnostic
    return start + edit.path == at.path and edit.first <= at.line <= edit.last


def _part(edit: LineEdit, start: str, number: int, of: int, covered: Sequence[Problem]) -> dict[str, Any]:
    told = [f"{p.rule}: {p.diagnostic.message}" for p in covered]
    whole = "The proven fix." if of == 1 else f"Part {number} of {of} of the proven fix; it is proven as a whole."
    lines = {"start": {"line": edit.first}, "end": {"line": edit.last}}
    return {
        "message": "\n".join([*told, whole]),
        "location": {"path": start + edit.path, "range": lines},
        "severity": _severity(covered[0]) if covered else "INFO",
        "suggestions": [{"range": lines, "text": edit.text}],
    }


def _plain(problem: Problem) -> dict[str, Any]:
    """Without its column: the format counts UTF-8 bytes, and tools count as they please."""
    diagnostic = problem.diagnostic
    place: dict[str, Any] = {"path": diagnostic.path}
    if diagnostic.line:
        place["range"] = {"start": {"line": diagnostic.line}}
    code = {"code": {"value": diagnostic.code}} if diagnostic.code else {}
    source = {"source": {"name": diagnostic.tool or problem.check}}
    return {
        "message": diagnostic.message or problem.headline,
        "location": place,
        "severity": _severity(problem),
        **source,
        **code,
    }


def _severity(problem: Problem) -> str:
    return _SEVERITIES.get(problem.diagnostic.severity, "INFO")
