"""gcc and clang, and what the linker says is missing."""

from __future__ import annotations

import re

from llm.domain import Stage
from llm.triage.lines import LineParser, at

_FILES = r"[chmCH]|[ch](?:c|h|pp|xx|\+\+)|mm|ipp|inl|cuh?"
_MESSAGE = r"(?P<message>[^\n\[]*(?:\[(?!-W)[^\n\[]*)*)(?:\[(?P<code>-W[\w=+-]+))?"
_COMPILER = at(_FILES) + r": (?:fatal )?(?P<severity>error|warning): " + _MESSAGE
_LINKER = r"(?:\S*\bld: )?(?P<path>[^\s:][^:\t\n]*):\(\.[^)\n]*\): (?P<message>undefined reference to .*)"

PARSER = LineParser("gcc", Stage.BUILD, (re.compile(_COMPILER), re.compile(_LINKER)))
