"""SARIF 2.1.0, for code scanning: each complaint of a red check, with the proven fix where there is one.

A complaint without a place goes to the notifications of the invocation: code scanning refuses a whole file for one
result without a location.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from llm import __version__
from llm.domain import Run
from llm.report.base import Format, Written, remark
from llm.report.hiding import hidden
from llm.report.line_edits import LineEdit
from llm.report.problems import Problem, offered_edits, place_of, problems

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning"}


class _Sarif:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`. Paths are relative to the repository (`%SRCROOT%`)."""
        log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(run)]}
        return Written(json.dumps(log, indent=1), remark(run))


FORMAT: Format = _Sarif()


def _run(run: Run) -> dict[str, Any]:
    found = problems(run)
    placed = [p for p in found if p.diagnostic.path]
    rules = list(dict.fromkeys(p.rule for p in placed))
    return {
        "tool": {
            "driver": {
                "name": "torre",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": f"torre/{run.request.trace_id}", "guid": run.request.trace_id},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(run, [p for p in found if not p.diagnostic.path])],
        "results": _results(run, placed, rules),
        "properties": {"mode": run.mode.value, "summary": hidden(run.summary, run.keys)},
    }


def _rule(rule: str) -> dict[str, Any]:
    """Code scanning wants all three of them; what a rule means, only its tool knows."""
    tool, _, code = rule.partition("/")
    told = {"text": f"{code}, reported by {tool}." if code else f"Reported by {tool}."}
    return {"id": rule, "shortDescription": told, "fullDescription": told, "help": told}


def _invocation(run: Run, without_place: Sequence[Problem]) -> dict[str, Any]:
    """Torre did its work, whatever came of it; the exit code says the rest."""
    notes = [{"level": _level(p), "message": {"text": p.diagnostic.message}} for p in without_place]
    return {
        "executionSuccessful": True,
        "exitCode": run.exit_code,
        **({"toolExecutionNotifications": notes} if notes else {}),
    }


def _results(run: Run, found: Sequence[Problem], rules: Sequence[str]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for problem in found:
        seen[problem.diagnostic.key] += 1
        results.append(_result(problem, rules, seen[problem.diagnostic.key]))
    _add_fix(run, found, results)
    return results


def _result(problem: Problem, rules: Sequence[str], occurrence: int) -> dict[str, Any]:
    diagnostic = problem.diagnostic
    place: dict[str, Any] = {"artifactLocation": _artifact(diagnostic.path)}
    if diagnostic.line:
        column = {"startColumn": diagnostic.column} if diagnostic.column else {}
        place["region"] = {"startLine": diagnostic.line, **column}
    return {
        "ruleId": problem.rule,
        "ruleIndex": rules.index(problem.rule),
        "level": _level(problem),
        "message": {"text": diagnostic.message or problem.headline},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"torreDiagnostic/v1": _fingerprint(diagnostic.key, occurrence)},
        "properties": {"check": problem.check},
    }


def _fingerprint(key: str, occurrence: int) -> str:
    """Stays the same when lines move; the nth of several equal complaints stays the nth."""
    return hashlib.sha256(f"{key}#{occurrence}".encode()).hexdigest()[:32]


def _level(problem: Problem) -> str:
    return _LEVELS.get(problem.diagnostic.severity, "note")


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}


def _add_fix(run: Run, found: Sequence[Problem], results: list[dict[str, Any]]) -> None:
    """The fix is one, and for all: it stands at each result in a file that it changes, or else at the first."""
    edits = offered_edits(run)
    if not edits:
        return
    start = place_of(run)
    fix = _fix(run, edits, start)
    touched = {start + edit.path for edit in edits}
    beside = [result for p, result in zip(found, results, strict=True) if p.diagnostic.path in touched]
    for result in beside or results[:1]:
        result["fixes"] = [fix]


def _fix(run: Run, edits: Sequence[LineEdit], start: str) -> dict[str, Any]:
    changes = [
        {
            "artifactLocation": _artifact(start + path),
            "replacements": [_replaced(e) for e in edits if e.path == path],
        }
        for path in dict.fromkeys(edit.path for edit in edits)
    ]
    summary = f"Proven by running the checks: {hidden(run.summary, run.keys)}"
    return {"description": {"text": summary}, "artifactChanges": changes}


def _replaced(edit: LineEdit) -> dict[str, Any]:
    """A region without columns ends before the newline of its last line."""
    region = {"startLine": edit.first, "endLine": edit.last}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}
