"""jest's default and verbose reports: `FAIL file`, then a `●` section for each failure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import blocks, diagnostic, first
from llm.triage.loading import stage_of_loading

_HEADING = re.compile(
    r"\s?FAIL\s{1,2}(?P<path>[^\s●>][^\t\n●>]*?\.[cm]?[jt]sx?)(?: \([\d.]+ m?s\))?$|  ● (?P<name>\S.*)"
)
_ERROR = re.compile(r" {4,6}(?P<code>\w*Error): (?P<message>.*)")
_BABEL = re.compile(
    r" {4,6}(?P<code>SyntaxError): (?P<path>(?:[A-Za-z]:)?[^\s:][^:\t\n]*): "
    r"(?P<message>[^(\n]*) \((?P<line>\d{1,7}):\d+\)"
)
_TEXT = re.compile(r" {4,6}(?P<message>\S.*)")
_FRAME = re.compile(r" {4,8}at (?:.*\()?(?P<path>[^\s:(][^:\t\n(]*):(?P<line>\d{1,7}):(?P<column>\d{1,7})\)?$")
_FOREIGN = re.compile(r".*(?:node_modules[\\/]|node:)")
_SUITE = "Test suite failed to run"
_NOT_FAILURES = ("Console", "Validation Warning", "Deprecation Warning", _SUITE)


class Jest:
    """Test ids are `file › suite › test`. The summary at the end repeats failures; each is given once."""

    tool = "jest"
    stage = Stage.TESTS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        file: re.Match[str] | None = None
        given: set[Diagnostic] = set()
        for heading, under in blocks(text, _HEADING):
            if heading["path"]:
                file = heading
            elif file and (heading["name"] == _SUITE or not heading["name"].startswith(_NOT_FAILURES)):
                found = self._diagnostic(file, heading["name"], under)
                if found not in given:
                    given.add(found)
                    yield found

    def _diagnostic(self, file: re.Match[str], name: str, under: list[str]) -> Diagnostic:
        own = [line for line in under if not _FOREIGN.match(line)]
        test_id = "" if name == _SUITE else f"{file['path']} › {name}"
        details = (first(own, pattern) for pattern in (_TEXT, _ERROR, _FRAME, _BABEL))
        return diagnostic(self.tool, file, *details, test_id=test_id)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A suite that could not be loaded is build."""
        return self.stage if diagnostic.test_id else stage_of_loading(diagnostic)


PARSER = Jest()
