"""node:test's spec and TAP reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from llm.domain import Diagnostic, Stage
from llm.triage.lines import blocks, diagnostic, first, scan
from llm.triage.loading import stage_of_loading

_PLACE = r"(?P<path>(?:[A-Za-z]:)?[^\s:'][^:\t\n']*):(?P<line>\d{1,7}):(?P<column>\d{1,7})"
_SPEC = re.compile(rf"test at {_PLACE}$")
_SPEC_NAME = re.compile(r"✖ (?P<test_id>\S.*) \([\d.]+ms\)")
_SPEC_ERROR = re.compile(r"  (?:\[?(?P<code>\w*Error)(?: \[\w+\])?: )?(?P<message>\S.*)")
_TAP = re.compile(r"\s{0,40}not ok \d+ - (?P<test_id>[^\s#][^#\n]*)")
_TAP_PLACE = re.compile(rf"\s+location: '{_PLACE}'")
_TAP_ERROR = re.compile(r"\s+error: (?:\|-|(?P<quote>['\"])(?P<message>.*)(?P=quote)$)")
_TAP_CODE = re.compile(r"\s+name: '(?P<code>\w*Error)'")
_FRAME = re.compile(rf"\s+(?:at )?(?:[^()\n]*\()?file://{_PLACE}\)?")
_UNCAUGHT = re.compile(r"(?:# )?(?P<code>\w*Error)(?: \[\w+\])?: (?P<message>\S.*)")
_FILE_FAILED = "test failed"


class NodeTest:
    """Test ids are the tests' names. A file that failed as a whole takes its error from the uncaught one above."""

    tool = "node_test"
    stage = Stage.TESTS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        uncaught = scan(text, _UNCAUGHT)
        for found in (*self._spec(text), *self._tap(text)):
            if found.message.strip("'") != _FILE_FAILED:
                yield found
            else:
                error = next(uncaught, None)
                known = {} if error else {"message": _FILE_FAILED}
                cause = diagnostic(self.tool, error, **known)
                yield replace(found, message=cause.message, code=cause.code, test_id="")

    def _spec(self, text: str) -> Iterator[Diagnostic]:
        for place, under in blocks(text, _SPEC):
            if name := first(under[:1], _SPEC_NAME):
                yield diagnostic(self.tool, place, name, first(under[1:], _SPEC_ERROR), first(under, _FRAME))

    def _tap(self, text: str) -> Iterator[Diagnostic]:
        for name, under in blocks(text, _TAP):
            report = list(takewhile(lambda line: line.strip() != "...", under))
            if any("'subtestsFailed'" in line for line in report) or not (place := first(report, _TAP_PLACE)):
                continue
            known = {"message": message} if (message := _tap_message(report)) else {}
            frame = first(report, _FRAME)
            yield diagnostic(self.tool, name, place, first(report, _TAP_CODE), frame, **known)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A file that could not be loaded is build."""
        return self.stage if diagnostic.test_id else stage_of_loading(diagnostic)


def _tap_message(report: list[str]) -> str:
    """The error, quoted on its line or in the block under it."""
    for i, line in enumerate(report):
        if found := _TAP_ERROR.match(line):
            return found["message"] or next(iter(report[i + 1 : i + 2]), "").strip()
    return ""


PARSER = NodeTest()
