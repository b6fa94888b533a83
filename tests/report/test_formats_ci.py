"""The forms that CI systems read: GitHub's annotations and job summary, and JUnit XML by an independent parser."""

from __future__ import annotations

import re
import urllib.parse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import junitparser

from llm import plugins
from llm.domain import Mode, Run
from tests.report import runs
from tests.report.runs import write

# --- GitHub ---

_COMMAND = re.compile(r"^::(?P<level>error|warning|notice)(?: (?P<properties>[^:]*))?::(?P<message>.*)$")


def _annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them: one a line, `%xx` undone last."""
    found = []
    for line in text.splitlines():
        match = _COMMAND.match(line)
        assert match, line
        pairs = (each.split("=", 1) for each in (match["properties"] or "").split(",") if each)
        properties = {name: urllib.parse.unquote(value) for name, value in pairs}
        found.append((match["level"], properties, urllib.parse.unquote(match["message"])))
    return found


def test_annotations_stand_at_their_lines() -> None:
    level, properties, message = _annotations(write("github", runs.run()))[0]
    where = {"file": "src/price.py", "line": "4", "col": "12", "title": "mypy/operator"}
    assert (level, properties, message) == ("error", where, "Unsupported operand")


def test_nothing_in_a_workspace_can_forge_a_workflow_command() -> None:
    found = _annotations(write("github", runs.hostile()))  # every line is one of ours, and whole
    level, properties, message = found[0]
    assert properties["file"] == "src/a,b:c\n::error::forged.py" and properties["title"] == "mypy/c,o:d%e"
    assert message.startswith("100% wrong\n::set-output") and level == "error"
    assert not any(properties.get("file", "").startswith("/etc") for _, properties, _ in found)


def test_annotations_are_capped_and_what_is_left_out_is_counted() -> None:
    many = tuple(
        replace(runs.COMPLAINT, message=f"number {n}", severity=severity)
        for n in range(25)
        for severity in ("error", "warning", "note")
    )
    found = _annotations(write("github", runs.run(replace(runs.RED[0], diagnostics=many))))
    assert Counter(level for level, _, _ in found) == {"error": 10, "warning": 10, "notice": 10}
    assert [m for _, _, m in found if "more" in m] == [f"{25 - n} more: see the job summary" for n in (9, 9, 8)]


def test_nothing_red_gives_no_annotation() -> None:
    assert write("github", runs.nothing_red()) == ""


def test_the_job_summary_tells_the_story_and_no_markup_of_others_gets_in() -> None:
    fenced = runs.DIFF.replace("+b = 2", "+b = '```'")
    run = replace(runs.hostile(), diff=fenced)
    written = plugins.load("report.formats", "github", "FORMAT").write(
        run, {"GITHUB_STEP_SUMMARY": "/s.md"}, False
    )
    (text,) = written.appended.values()
    assert list(written.appended) == [Path("/s.md")]
    assert "GREEN in 4.1 s" in text.replace("\\", "") and "| **red** | green |" in text
    assert "````diff\n" in text and "+    return n * 2" in text
    outside = re.sub(r"````diff\n.*?\n````", "", text, flags=re.S)
    assert "<b>" not in outside and "</testcase>" not in outside and re.search(r"(?<!\\)`", outside) is None
    assert runs.TOKEN not in text and runs.KEY not in text


def test_a_huge_diff_does_not_cost_the_summary() -> None:
    line = "+" + "é" * 99 + "\n"
    diff = f"--- a/a.py\n+++ b/a.py\n@@ -1 +1,9001 @@\n-x\n{line * 9000}+y\n"
    written = plugins.load("report.formats", "github", "FORMAT").write(
        runs.run(diff=diff), {"GITHUB_STEP_SUMMARY": "/s.md"}, False
    )
    (text,) = written.appended.values()
    assert 100_000 < len(text.encode()) < 1024 * 1024


# --- JUnit ---


def _junit(run: Run) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(write("junit", run).encode())


def _kinds(suite: junitparser.TestSuite) -> dict[str, list[str]]:
    return {case.name: [type(result).__name__ for result in case.result] for case in suite}


def test_junit_has_a_suite_for_each_check() -> None:
    suites = {suite.name: suite for suite in _junit(runs.run())}
    assert set(suites) == {"mypy", "pytest", "make", "torre"}
    assert _kinds(suites["pytest"]) == {
        "t::one": [],
        "t::two": ["Failure"],
        "t::three": ["Error"],
        "t::four": ["Skipped"],
    }
    assert _kinds(suites["mypy"]) == {"mypy .": ["Failure"]} and _kinds(suites["make"]) == {
        "make lint": ["Failure"]
    }
    assert suites["pytest"].time == 1.25
    for suite in suites.values():
        told = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()  # type: ignore[no-untyped-call]
        assert told == (suite.tests, suite.failures, suite.errors, suite.skipped)


def test_junit_says_whether_there_is_something_left_to_do() -> None:
    def verdict(run: Run) -> list[str]:
        return next(iter(_kinds(next(s for s in _junit(run) if s.name == "torre")).values()))

    assert verdict(runs.run()) == verdict(runs.nothing_red()) == []
    assert verdict(runs.run(mode=Mode.ADVISORY)) == ["Failure"]


def test_junit_of_an_applied_fix_shows_the_files_as_they_are_now() -> None:
    assert all(kinds in ([], ["Skipped"]) for suite in _junit(runs.applied()) for kinds in _kinds(suite).values())


def test_junit_stays_whole_whatever_a_test_prints() -> None:
    root = ElementTree.fromstring(write("junit", runs.hostile()))
    failures = root.findall(".//failure")
    assert any("</testcase> | `x` <b>" in (failure.text or "") for failure in failures)
