"""The formats of `torre fix --format`, each read by somebody else's reader where there is one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import jsonschema
import msgspec
import pytest

from llm import plugins, report
from llm.domain import Baseline, Diagnostic, Mode, Run
from llm.report.line_edits import LineEdit, line_edits
from tests.report import runs
from tests.report.runs import write

REPOSITORY = Path(__file__).parents[2]
NAMES = plugins.names("report.formats")
RUNS = {
    "proven": runs.run(),
    "not proven": runs.run(mode=Mode.ADVISORY),
    "nothing red": runs.nothing_red(),
    "applied": runs.applied(),
    "hostile": runs.hostile(),
    "no checks": replace(runs.run(mode=Mode.ADVISORY, diff=""), baseline=Baseline(())),
}


def test_the_formats_that_were_promised_are_there() -> None:
    assert set(NAMES) >= {"json", "sarif", "rdjson", "github", "diff", "junit", "text"}


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_every_run_can_be_written_without_a_secret_or_a_control_character(name: str, kind: str) -> None:
    written = plugins.load("report.formats", name, "FORMAT").write(RUNS[kind], {}, False)
    for text in (written.text, written.remark):
        assert runs.TOKEN not in text and runs.KEY not in text
        assert re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", text) is None


def test_json_is_the_contract() -> None:
    schema = json.loads(Path(report.__path__[0], "output.schema.json").read_text())
    for run in RUNS.values():
        jsonschema.validate(json.loads(write("json", run)), schema)


def test_only_a_proven_diff_is_given_to_git_apply(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "price.py").write_text(runs.BEFORE)
    assert write("diff", runs.run(mode=Mode.ADVISORY)) == ""
    patch = write("diff", runs.run()) + "\n"
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "src" / "price.py").read_text() == runs.AFTER


# --- edits of lines ---


def _edited(text: str, edits: list[LineEdit]) -> str:
    lines = text.split("\n")
    for edit in reversed(edits):
        lines[edit.first - 1 : edit.last] = edit.text.split("\n")
    return "\n".join(lines)


def test_line_edits_are_together_the_whole_diff() -> None:
    edits = line_edits(runs.DIFF)
    assert [(e.path, e.first, e.last) for e in edits] == [
        ("src/price.py", 3, 4),
        ("src/price.py", 10, 10),
        ("src/price.py", 20, 21),
    ]
    assert _edited(runs.BEFORE, list(edits)) == runs.AFTER


@pytest.mark.parametrize(
    "diff",
    [
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n",
        "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n",
        "diff --git a/a.py b/b.py\nsimilarity index 100%\nrename from a.py\nrename to b.py\n",
        "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n\\ No newline at end of file\n+x = 1\n",
        "--- a/a.py\n+++ b/a.py\n@@ -1 +0,0 @@\n-x = 1\n",
        runs.DIFF + "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n",
    ],
    ids=["new file", "deleted", "renamed", "end of file", "emptied", "only in part"],
)
def test_what_lines_cannot_say_is_not_said_by_half(diff: str) -> None:
    assert line_edits(diff) == ()


# --- SARIF ---


def _sarif(run: Run) -> dict[str, Any]:
    made = json.loads(write("sarif", run))["runs"]
    assert len(made) == 1
    only: dict[str, Any] = made[0]
    return only


def _typescript(folder: Path, logs: list[str]) -> subprocess.CompletedProcess[str]:
    """The compiler's opinion of logs as values of the published type, extra properties and all."""
    lines = (f"export const log{n}: Log = {log};" for n, log in enumerate(logs))
    (folder / "logs.ts").write_text("import type { Log } from 'sarif';\n" + "\n".join(lines))
    (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    options = ["--noEmit", "--strict", "--ignoreConfig", "--types", "sarif", "--skipLibCheck", "logs.ts"]
    tsc = REPOSITORY / "node_modules" / ".bin" / "tsc"
    return subprocess.run([tsc, *options], cwd=folder, capture_output=True, text=True, check=False)


def test_sarif_has_the_shape_of_2_1_0(tmp_path: Path) -> None:
    logs = [write("sarif", run) for run in RUNS.values()]
    done = _typescript(tmp_path, logs)
    assert done.returncode == 0, done.stdout


def test_that_check_of_the_shape_can_fail(tmp_path: Path) -> None:
    log = write("sarif", runs.run())
    wrong = [
        log.replace('"level": "error"', '"level": "awful"', 1),
        log.replace('"startLine": 4', '"startLine": "4"', 1),
        log.replace('"version": "2.1.0"', '"version": "2.1.0", "extra": 1', 1),
    ]
    for number, each in enumerate(wrong):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = _typescript(folder, [each])
        assert each != log and done.returncode != 0 and "error TS" in done.stdout


def test_sarif_tells_each_complaint_with_its_place_and_the_fix() -> None:
    run = _sarif(runs.run())
    by_rule = {result["ruleId"]: result for result in run["results"]}
    assert set(by_rule) == {"mypy/operator", "pytest/AssertionError"}
    place = by_rule["mypy/operator"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/price.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 4, "startColumn": 12}
    assert all(run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    (fix,) = by_rule["mypy/operator"]["fixes"]  # it stands where the patch changes something
    assert "fixes" not in by_rule["pytest/AssertionError"]
    edits = [
        LineEdit(
            change["artifactLocation"]["uri"],
            each["deletedRegion"]["startLine"],
            each["deletedRegion"]["endLine"],
            each["insertedContent"]["text"],
        )
        for change in fix["artifactChanges"]
        for each in change["replacements"]
    ]
    assert _edited(runs.BEFORE, edits) == runs.AFTER


def test_a_complaint_without_a_place_does_not_spoil_the_upload() -> None:
    run = _sarif(runs.run())
    assert all(result["locations"] for result in run["results"])
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "make is red (exit 2)" in note["message"]["text"] and "No rule" in note["message"]["text"]


def test_no_fix_is_offered_that_is_not_proven_or_is_there_already() -> None:
    assert all("fixes" not in result for result in _sarif(runs.run(mode=Mode.ADVISORY))["results"])
    assert _sarif(runs.applied())["results"] == []


def test_fingerprints_survive_moved_lines_and_tell_equal_complaints_apart() -> None:
    def prints(*found: Diagnostic) -> list[str]:
        run = _sarif(runs.run(replace(runs.RED[0], diagnostics=found)))
        return [next(iter(result["partialFingerprints"].values())) for result in run["results"]]

    first, second = runs.COMPLAINT, replace(runs.COMPLAINT, line=9)
    before = prints(first, second)
    assert len(set(before)) == 2
    assert prints(replace(first, line=40), replace(second, line=49)) == before
    assert prints(replace(first, message="else"))[0] not in before


def test_paths_are_the_repositorys_where_the_workspace_is_a_part_of_it(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "a b"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    run = runs.run(workspace=package)
    uri = _sarif(run)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "packages/a%20b/src/price.py" == urllib.parse.quote("packages/a b/src/price.py")
    assert "file=packages/a b/src/price.py," in write("github", run)
    places = {d["location"]["path"] for d in json.loads(write("rdjson", run))["diagnostics"]}
    assert places == {"packages/a b/src/price.py", "packages/a b/tests/test_price.py"}


# --- rdjson ---


class _Position(msgspec.Struct, forbid_unknown_fields=True):
    line: int = 0
    column: int = 0


class _Range(msgspec.Struct, forbid_unknown_fields=True):
    start: _Position
    end: _Position | None = None


class _Location(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    range: _Range | None = None


class _Code(msgspec.Struct, forbid_unknown_fields=True):
    value: str
    url: str | None = None


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    url: str = ""


class _Suggestion(msgspec.Struct, forbid_unknown_fields=True):
    range: _Range
    text: str


Severity = Literal["UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO"]


class _Diagnostic(msgspec.Struct, forbid_unknown_fields=True):
    message: str
    location: _Location
    severity: Severity = "UNKNOWN_SEVERITY"
    source: _Source | None = None
    code: _Code | None = None
    suggestions: list[_Suggestion] = []
    original_output: str = ""


class _Result(msgspec.Struct, forbid_unknown_fields=True):
    """The messages of reviewdog's `rdf` package, as protobuf's JSON form has them."""

    diagnostics: list[_Diagnostic]
    source: _Source | None = None
    severity: Severity | None = None


def _rdjson(run: Run) -> _Result:
    return msgspec.json.decode(write("rdjson", run), type=_Result)


def test_our_reading_of_rdjson_is_also_that_of_another_producer(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\nprint(undefined)\n")
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--isolated",
        "--no-cache",
        "--output-format",
        "rdjson",
        "a.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    made = msgspec.json.decode(done.stdout, type=_Result)
    assert {d.code.value for d in made.diagnostics if d.code} >= {"F401", "F821"}


@pytest.mark.parametrize("kind", RUNS)
def test_rdjson_is_what_reviewdog_reads(kind: str) -> None:
    for diagnostic in _rdjson(RUNS[kind]).diagnostics:
        assert diagnostic.message and diagnostic.location.path
        assert diagnostic.location.range is None or diagnostic.location.range.start.line >= 1


def test_rdjson_suggestions_stand_on_their_diagnostics_own_lines_and_are_the_fix() -> None:
    found = _rdjson(runs.run()).diagnostics
    parts = [d for d in found if d.suggestions]
    assert all(d.suggestions[0].range == d.location.range for d in parts)
    assert "mypy/operator: Unsupported operand" in parts[0].message and parts[0].severity == "ERROR"
    assert "Part 1 of 3" in parts[0].message and "proven as a whole" in parts[0].message
    assert [d.location.path for d in found if not d.suggestions] == ["tests/test_price.py"]
    edits = [
        LineEdit(d.location.path, s.range.start.line, s.range.end.line, s.text)
        for d in parts
        for s in d.suggestions
        if s.range.end
    ]
    assert _edited(runs.BEFORE, edits) == runs.AFTER
    assert not any(d.suggestions for d in _rdjson(runs.run(mode=Mode.ADVISORY)).diagnostics)
