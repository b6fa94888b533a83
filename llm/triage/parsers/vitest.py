"""vitest's failure report: `FAIL` headings, then one error, then its frames."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import blocks, diagnostic, first
from llm.triage.loading import stage_of_loading

_HEADING = re.compile(
    r" FAIL  (?:\|[^|\n]*\| )?(?P<path>[^\s>\[][^\t\n>\[]*\.\w+)(?P<name> > .*)?(?: \[ .* \])?$|(?P<end>⎯{3,})"
)
_FRAME = re.compile(r" ❯ (?:\S+ )?(?P<path>[^\s:][^:\t\n]*):(?P<line>\d{1,7}):(?P<column>\d{1,7})$")
_ERROR = re.compile(r"(?P<code>\w*Error)(?:: |$)(?P<message>.*)")


class Vitest:
    """Test ids are `file > suite > test`, as vitest prints them. A suite that failed as a whole has none."""

    tool = "vitest"
    stage = Stage.TESTS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        shared: list[re.Match[str]] = []
        for heading, under in blocks(text, _HEADING):
            if heading["end"]:
                shared = []
                continue
            shared.append(heading)
            if any(under):  # tests that failed alike are listed one below the other, above one error
                for each in shared:
                    yield self._diagnostic(each, under)
                shared = []

    def _diagnostic(self, heading: re.Match[str], under: list[str]) -> Diagnostic:
        error = first(under, _ERROR)
        message = "" if error else next(filter(None, under), "")
        known = {"message": message} if message else {}
        test_id = f"{heading['path']}{heading['name']}" if heading["name"] else ""
        return diagnostic(self.tool, heading, error, first(under, _FRAME), test_id=test_id, **known)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A suite that could not be loaded is build."""
        return self.stage if diagnostic.test_id else stage_of_loading(diagnostic)


PARSER = Vitest()
