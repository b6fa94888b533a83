"""biome's text: a heading with a rule and a line of dashes, the message under it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import blocks, diagnostic, first

_HEADING = re.compile(
    r"(?P<path>[^\s:][^:\t\n]*\.\w+)(?::(?P<line>\d{1,7}):(?P<column>\d{1,7}))? "
    r"(?P<code>(?:lint|assist|parse|suppressions)(?:/[\w/]+)?|format|organizeImports)\s.*━"
)
_MESSAGE = re.compile(r"  (?P<mark>[×!]) (?P<message>\S.*)")


class Biome:
    """Style; a file that does not parse is build."""

    tool = "biome"
    stage = Stage.STYLE

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for heading, under in blocks(text, _HEADING):
            message = first(under, _MESSAGE)
            warns = bool(message and message["mark"] == "!")
            yield diagnostic(self.tool, heading, message, severity="warning" if warns else "error")

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        return Stage.BUILD if diagnostic.code == "parse" else self.stage


PARSER = Biome()
