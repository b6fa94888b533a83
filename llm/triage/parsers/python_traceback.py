"""The interpreter's own tracebacks, outside of any test runner's report."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.frames import EXCEPTION, FRAME, bare_name, deepest
from llm.triage.lines import diagnostic, lines
from llm.triage.loading import stage_of_loading

_REPORT_BEGINS = re.compile(r"=+ (?:FAILURES|ERRORS) =+$|={70}$")
_REPORT_ENDS = re.compile(r"(?:=+ )?\d+ \w+.* in [\d.]+s|Ran \d+ tests? in ")
_HEADING = "Traceback (most recent call last):"
_CAUGHT = " the following exception was raised:"  # sphinx's autodoc goes on after it
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")


class PythonTraceback:
    """Of chained exceptions the last counts; it is the one that nobody caught."""

    tool = "python_traceback"
    stage = Stage.GENERAL

    def parse(self, text: str) -> Iterator[Diagnostic]:
        pending: Diagnostic | None = None
        for frames, line in _endings(_outside_of_reports(text)):
            if line.startswith(_CHAINED):
                pending = None
            elif frames and (raised := EXCEPTION.match(line)):
                if pending:
                    yield pending
                pending = diagnostic(self.tool, deepest(frames), raised, code=bare_name(raised["code"]))
        if pending:
            yield pending

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """Broken imports and syntax are build; what else a program dies of has no stage of its own."""
        return Stage.BUILD if stage_of_loading(diagnostic) is Stage.BUILD else self.stage


def _endings(told: Iterator[str]) -> Iterator[tuple[list[re.Match[str]], str]]:
    """Each line that is not indented, with the frames above it; those of a caught exception left out."""
    frames: list[re.Match[str]] = []
    caught = False
    for line in told:
        if frame := FRAME.match(line):
            frames.append(frame)
        elif line and not line[0].isspace() and line != _HEADING:
            yield ([] if caught else frames), line
            frames, caught = [], line.endswith(_CAUGHT)


def _outside_of_reports(text: str) -> Iterator[str]:
    """Skips what pytest and unittest report: their parsers read it."""
    inside = False
    for line in lines(text):
        if _REPORT_BEGINS.match(line):
            inside = True
        elif inside and _REPORT_ENDS.match(line):
            inside = False
        if not inside:
            yield line


PARSER = PythonTraceback()
