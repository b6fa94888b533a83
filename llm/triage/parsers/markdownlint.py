"""markdownlint's command line."""

from __future__ import annotations

import re

from llm.domain import Stage
from llm.triage.lines import LineParser, at

_LINE = re.compile(
    at("md|mdx|markdown") + r"(?: (?P<severity>error|warning))? (?P<code>MD\d{3})/\S+ (?P<message>.*)"
)

PARSER = LineParser("markdownlint", Stage.DOCS, (_LINE,))
