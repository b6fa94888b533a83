"""pyright's (and basedpyright's) text: one line a diagnostic, the rule at the end of it or of its details."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, blocks, diagnostic

_LINE = re.compile(r"\s{0,8}" + at("pyi?|ipynb") + r" - (?P<severity>error|warning): (?P<message>.*)")
_RULE = re.compile(r"\((?P<code>report\w+)\)$")


class Pyright:
    """The indented details under a message are left out of it; the rule is taken from wherever it stands."""

    tool = "pyright"
    stage = Stage.TYPES

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for found, under in blocks(text, _LINE):
            details = takewhile(lambda line: line[:4].isspace(), under)
            rule = next(filter(None, map(_rule, (found["message"], *details))), None)
            message = found["message"].removesuffix(f" ({rule['code']})") if rule else found["message"]
            yield diagnostic(self.tool, found, rule, message=message)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        return self.stage


def _rule(line: str) -> re.Match[str] | None:
    return _RULE.search(line, max(0, len(line) - 80))


PARSER = Pyright()
