"""eslint's stylish format: a line for the file, indented lines under it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import blocks, diagnostic

_FILE = re.compile(
    r"(?P<path>[^\s:](?:[^:\t\n]|:(?=[\\/]))*\.(?:[cm]?[jt]sx?|vue|svelte|astro|json[c5]?|md|mdx|html|css|ya?ml))$"
)
_UNDER = re.compile(r" {1,8}(?P<line>\d{1,7}):(?P<column>\d{1,7}) +(?P<severity>error|warning) +(?P<message>\S.*)")
_RULE = re.compile(r"[@\w./-]+$")


class Eslint:
    """Style; a file that does not parse is build."""

    tool = "eslint"
    stage = Stage.STYLE

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for file, under in blocks(text, _FILE):
            for found in filter(None, map(_UNDER.match, under)):
                message, code = _message_and_rule(found["message"].rstrip())
                yield diagnostic(self.tool, file, found, message=message, code=code)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        return Stage.BUILD if diagnostic.message.startswith("Parsing error:") else self.stage


def _message_and_rule(rest: str) -> tuple[str, str]:
    """The rule is the last column, two or more spaces away; a parsing error has none."""
    message, gap, rule = rest.rpartition("  ")
    return (message, rule.strip()) if gap and _RULE.match(rule.strip()) else (rest, "")


PARSER = Eslint()
