"""Tool output → domain values: paths, the report of Torre's own reporters, and plain text by the log parsers.

The report of `llm/inside/` is JSON lines. The first is `{"run": tool}`; each further one tells of a test:
`{"id", "status": started | passed | failed | error | skipped, "duration_s", "message", "code", "path", "line"}`,
or with `file` and `names` in place of `id`, from which `file > suite > test` is made.
Several lines of one test add up; the worst status counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from llm import plugins
from llm.checks.base import Reading
from llm.domain import Diagnostic, TestOutcome, TestStatus
from llm.sandbox.base import Completed
from llm.triage.clean import strip_control

NO_TESTS = "no tests collected"
NO_REPORT = "it ended without the report it was asked for"
_RANK = ("started", "passed", "skipped", "failed", "error")
_MESSAGE_CHARS = 500


def relative(path: str, workspace: Path, directory: str) -> str:
    """A tool's path, relative to the workspace; a path outside of it stays as it is."""
    if not path:
        return ""
    full = os.path.normpath(workspace / directory / path)
    return Path(full).relative_to(workspace).as_posix() if Path(full).is_relative_to(workspace) else path


def brief(message: str) -> str:
    """The first paragraph of a message, bounded: identity and display, not the whole story."""
    return strip_control(message).strip().split("\n\n")[0][:_MESSAGE_CHARS].strip()


def text_of(completed: Completed) -> str:
    """Both streams as clean text."""
    return strip_control((completed.stdout + b"\n" + completed.stderr).decode(errors="replace"))


def records(raw: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a report, one a line. A line cut off by a kill, or not ours, is not a record."""
    for line in raw.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def document(raw: bytes) -> Any:
    """The one JSON value of a report, or None where it is not JSON (the tool broke before it wrote it).

    Output that a configuration file printed before it is skipped."""
    text = raw.decode(errors="replace")
    starts = [n for n in (text.find("{"), text.find("[")) if n >= 0]
    for start in sorted(starts):
        try:
            return json.JSONDecoder().raw_decode(text, start)[0]
        except ValueError:
            continue
    return None


def from_text(completed: Completed, workspace: Path, directory: str, tool: str = "") -> tuple[Diagnostic, ...]:
    """Diagnostics in plain output, by the log parser of `tool`, or by all of them where none is known."""
    known = plugins.names("triage.parsers")
    wanted = (tool,) if tool in known else known
    text = text_of(completed)
    found = (d for name in wanted for d in plugins.load("triage.parsers", name, "PARSER").parse(text))
    placed = (replace(d, path=relative(d.path, workspace, directory)) for d in found)
    return tuple(dict.fromkeys(placed))


def unstructured(completed: Completed, workspace: Path, directory: str, tool: str) -> Reading:
    """For a report that is not the JSON it should be: the text. With exit code 0 it proves nothing."""
    forged = completed.exit_code == 0 and completed.report
    return Reading(None, from_text(completed, workspace, directory, tool), NO_REPORT if forged else "")


def from_report(completed: Completed, workspace: Path, directory: str, tool: str) -> Reading:
    """Tests and diagnostics from the report of one of Torre's own reporters."""
    seen: dict[str, dict[str, Any]] = {}
    for record in records(completed.report):
        if "status" in record:
            name = _test_id(record, workspace, directory)
            seen[name] = _worse(seen.get(name), {**record, "id": name})
    tests = tuple(_outcome(record, completed.killed) for record in seen.values())
    red = {t.id for t in tests if t.status in (TestStatus.FAILED, TestStatus.ERROR)}
    diagnostics = tuple(
        _diagnostic(record, tool, relative(str(record.get("path", "")), workspace, directory))
        for name, record in seen.items()
        if name in red
    )
    return Reading(tests, diagnostics)


def _test_id(record: Mapping[str, Any], workspace: Path, directory: str) -> str:
    if "id" in record:
        return str(record["id"])
    return " > ".join((relative(record["file"], workspace, directory), *record["names"]))


def _worse(old: dict[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    if old is None:
        return dict(new)
    worst = max((old, new), key=lambda record: _RANK.index(record["status"]))
    return {**worst, "duration_s": old.get("duration_s", 0.0) + new.get("duration_s", 0.0)}


def _outcome(record: Mapping[str, Any], killed: str) -> TestOutcome:
    status, message = record["status"], brief(str(record.get("message", "")))
    if status == "started":
        status, message = "error", f"did not finish ({killed or 'the process ended'})"
    return TestOutcome(record["id"], TestStatus(status), float(record.get("duration_s", 0.0)), message)


def _diagnostic(record: Mapping[str, Any], tool: str, path: str) -> Diagnostic:
    return Diagnostic(
        tool=tool,
        message=brief(str(record.get("message", ""))) or "did not finish",
        path=path,
        line=int(record.get("line", 0)),
        code=str(record.get("code", "")),
        test_id=record["id"],
    )
