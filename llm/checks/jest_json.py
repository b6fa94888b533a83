"""The JSON that jest defined and vitest writes too: `testResults[].assertionResults[]`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from llm.checks.base import Reading
from llm.checks.reading import NO_TESTS, brief, document, relative, unstructured
from llm.domain import Diagnostic, TestOutcome, TestStatus
from llm.sandbox.base import Completed

_NOTHING = b"No tests found, exiting"
_STATUS = {"passed": TestStatus.PASSED, "failed": TestStatus.FAILED}
_NAME = re.compile(r"^(?:\x1b\[[\d;]*m)*([A-Z]\w*(?:Error|Exception))\b")
_PLACE = re.compile(r"(?:file://)?(/[^\s():]+):(\d+):(\d+)")

_Pair = tuple[TestOutcome, tuple[Diagnostic, str] | None]
"""A test, and its failure with the text that the place is in."""


def read(completed: Completed, workspace: Path, directory: str, tool: str) -> Reading:
    """Tests with ids `file > suite > test`; a file that could not be loaded is one test in error."""
    found = document(completed.report)
    if not isinstance(found, dict):
        nothing = _NOTHING in completed.report + completed.stdout + completed.stderr
        return Reading(None, (), NO_TESTS) if nothing else unstructured(completed, workspace, directory, tool)
    files = ((file, relative(file["name"], workspace, directory)) for file in found["testResults"])
    pairs = tuple(_numbered(p for file, path in files for p in _file(file, path, tool)))
    placed = tuple(_placed(d, workspace) for _, d in pairs if d)
    return Reading(tuple(t for t, _ in pairs), placed, "" if pairs else NO_TESTS)


def _numbered(pairs: Iterable[_Pair]) -> Iterator[_Pair]:
    """With ids that differ (`… #2`): of two tests with one name, the loss of one must show."""
    seen: Counter[str] = Counter()
    for outcome, failure in pairs:
        seen[outcome.id] += 1
        count = seen[outcome.id]
        if count > 1:
            outcome = replace(outcome, id=f"{outcome.id} #{count}")
            failure = (replace(failure[0], test_id=outcome.id), failure[1]) if failure else None
        yield outcome, failure


def _file(file: Mapping[str, Any], path: str, tool: str) -> Iterator[_Pair]:
    tests = file.get("assertionResults") or []
    if file.get("status") == "failed" and not any(t["status"] == "failed" for t in tests):
        message = str(file.get("message") or file.get("failureMessage") or "the file could not be loaded")
        yield _entry(path, TestStatus.ERROR, 0.0, message, path, tool)
    for test in tests:
        name = " > ".join((path, *test.get("ancestorTitles", ()), test["title"]))
        status = _STATUS.get(test["status"], TestStatus.SKIPPED)
        messages = test.get("failureMessages") or [""]
        yield _entry(name, status, (test.get("duration") or 0) / 1000, str(messages[0]), path, tool)


def _entry(name: str, status: TestStatus, duration_s: float, message: str, path: str, tool: str) -> _Pair:
    outcome = TestOutcome(name, status, duration_s, brief(message))
    if status not in (TestStatus.FAILED, TestStatus.ERROR):
        return outcome, None
    code = _NAME.match(message)
    diagnostic = Diagnostic(tool, brief(message), path, code=code[1] if code else "", test_id=name)
    return outcome, (diagnostic, message)


def _placed(failure: tuple[Diagnostic, str], workspace: Path) -> Diagnostic:
    """With the innermost place of the stack trace that is the workspace's own."""
    diagnostic, trace = failure
    for path, line, column in _PLACE.findall(trace):
        if "/node_modules/" not in path and Path(path).is_relative_to(workspace):
            at = Path(path).relative_to(workspace).as_posix()
            return replace(diagnostic, path=at, line=int(line), column=int(column))
    return diagnostic
