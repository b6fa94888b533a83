"""JUnit XML: one suite a check as it was found, and one test case of Torre's own: is there something to do still?

A runner's own test ids name the cases; a check that reports no tests is one case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from llm.domain import CheckResult, Run, TestOutcome, TestStatus
from llm.report.base import Format, Written, remark
from llm.report.hiding import hidden
from llm.report.problems import is_applied, is_proven
from llm.triage.clean import strip_control

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {TestStatus.FAILED: "failure", TestStatus.ERROR: "error", TestStatus.SKIPPED: "skipped"}


class _Junit:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`. The files are as they were: a fix that is proven but not applied leaves its tests red."""
        root = ElementTree.Element("testsuites", name="torre", time=_seconds(run.duration_s))
        for result in run.applied.results if run.applied and is_applied(run) else run.baseline.results:
            _suite(root, result, run.keys)
        _verdict(root, run)
        text = ElementTree.tostring(root, encoding="unicode")
        return Written(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', remark(run))


FORMAT: Format = _Junit()


def _suite(root: ElementTree.Element, result: CheckResult, keys: Sequence[str]) -> None:
    name = _told(result.check.name, keys)
    tests = result.tests or ()
    suite = ElementTree.SubElement(root, "testsuite", name=name, time=_seconds(result.duration_s))
    for test in tests:
        _test(suite, name, test, keys)
    if not tests or not _explained(result):
        _whole(suite, name, result, keys)
    _count(suite)


def _test(suite: ElementTree.Element, name: str, test: TestOutcome, keys: Sequence[str]) -> None:
    about = {"classname": name, "name": _told(test.id, keys), "time": _seconds(test.duration_s)}
    case = ElementTree.SubElement(suite, "testcase", about)
    if test.status in _ELEMENTS:
        message = _told(test.message or test.status.value, keys)
        ElementTree.SubElement(case, _ELEMENTS[test.status], message=message.partition("\n")[0]).text = message


def _explained(result: CheckResult) -> bool:
    """Whether the single tests account for the whole: a red check has a red test."""
    return result.green or any(t.status in (TestStatus.FAILED, TestStatus.ERROR) for t in result.tests or ())


def _whole(suite: ElementTree.Element, name: str, result: CheckResult, keys: Sequence[str]) -> None:
    about = {"classname": name, "name": _told(result.check.command, keys), "time": _seconds(result.duration_s)}
    case = ElementTree.SubElement(suite, "testcase", about)
    if result.not_run:
        ElementTree.SubElement(case, "skipped", message=_told(result.not_run, keys))
    elif not result.green:
        ended = result.killed or f"exit code {result.exit_code}"
        ElementTree.SubElement(case, "failure", message=ended).text = _told(result.output, keys)


def _verdict(root: ElementTree.Element, run: Run) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name="torre", time=_seconds(run.duration_s))
    about = {"classname": "torre", "name": "nothing red, or a proven fix", "time": _seconds(run.duration_s)}
    case = ElementTree.SubElement(suite, "testcase", about)
    if not (run.nothing_red or is_proven(run)):
        ElementTree.SubElement(case, "failure", message=_told(run.summary, run.keys))
    elif is_proven(run):
        ElementTree.SubElement(case, "system-out").text = _xml(run.diff)
    _count(suite)


def _count(suite: ElementTree.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{element}"))))


def _told(text: str, keys: Sequence[str]) -> str:
    return _xml(hidden(strip_control(text), keys))


def _xml(text: str) -> str:
    """Without what XML 1.0 has no way to say."""
    return _NOT_XML.sub("\ufffd", text)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
