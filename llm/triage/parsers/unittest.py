"""unittest's report: a heading for each failure, a traceback under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llm.domain import Diagnostic, Stage
from llm.triage.frames import EXCEPTION, FRAME, bare_name, deepest
from llm.triage.lines import blocks, diagnostic
from llm.triage.loading import stage_of_loading

_HEADING = re.compile(r"(?:ERROR|FAIL): (?P<name>\S+) \((?P<where>[\w.]+)\)")
_NOT_LOADED = "unittest.loader._FailedTest"


class Unittest:
    """Test ids are dotted, `module.Class.test`, as `python -m unittest` takes them."""

    tool = "unittest"
    stage = Stage.TESTS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for heading, under in blocks(text, _HEADING):
            report = list(takewhile(lambda line: not line.startswith(("=====", "Ran ")), under))
            frames = [frame for frame in map(FRAME.match, report) if frame]
            if not frames:
                continue  # a log line that only looks like a heading
            raised = _raised(report)
            code = bare_name(raised["code"]) if raised else ""
            yield diagnostic(self.tool, deepest(frames), raised, code=code, test_id=_test_id(heading))

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A module that could not be loaded is build."""
        return stage_of_loading(diagnostic) if diagnostic.test_id.startswith(_NOT_LOADED) else self.stage


def _raised(report: list[str]) -> re.Match[str] | None:
    """The exception of the last traceback: the first unindented line after its last frame."""
    last = max(i for i, line in enumerate(report) if FRAME.match(line))
    return next((found for line in report[last:] if (found := EXCEPTION.match(line))), None)


def _test_id(heading: re.Match[str]) -> str:
    """Python 3.11 and later write the whole id in the parentheses, earlier ones the class."""
    name, where = heading["name"], heading["where"]
    return where if where.endswith(f".{name}") else f"{where}.{name}"


PARSER = Unittest()
