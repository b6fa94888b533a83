"""ruff: full (the default), concise, grouped, pylint and `format --check`. flake8 writes the concise form too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, blocks, diagnostic, first, scan

_FILES = "pyi?|ipynb|toml"
_CODE = r"(?P<code>[A-Z]{1,5}\d{3,4}|invalid-syntax)"
_COMPLAINT = _CODE + r":? (?:\[\*\] )?(?P<message>\S.*)"
_CONCISE = re.compile(at(_FILES) + ": " + _COMPLAINT)
_PYLINT = re.compile(at(_FILES) + rf": \[{_CODE}\] (?P<message>.*)")
_FULL = re.compile(_COMPLAINT)
_ARROW = re.compile(r"\s{0,8}--> " + at(_FILES))
_FILE = re.compile(rf"(?P<path>[^\s:][^:\t\n]*\.(?:{_FILES})):$")
_UNDER_FILE = re.compile(r"\s{1,8}(?P<line>\d{1,7}):(?P<column>\d{1,7})\s{1,8}" + _COMPLAINT)
_FORMAT = re.compile(rf"Would (?P<code>reformat): (?P<path>\S[^\t\n]*\.(?:{_FILES}))$")
_DOCS = re.compile(r"D\d{3}$|DOC\d{3}$")


class Ruff:
    """Style, but for what does not parse (build) and for the docstring rules D and DOC (docs)."""

    tool = "ruff"
    stage = Stage.STYLE

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for pattern in (_CONCISE, _PYLINT):
            for found in scan(text, pattern):
                yield diagnostic(self.tool, found)
        for found in scan(text, _FORMAT):
            yield diagnostic(self.tool, found, message="not formatted")
        for found, under in blocks(text, _FULL):
            if arrow := first(under[:1], _ARROW):
                yield diagnostic(self.tool, found, arrow)
        for found, under in blocks(text, _FILE):
            for complaint in filter(None, map(_UNDER_FILE.match, under)):
                yield diagnostic(self.tool, found, complaint)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        if diagnostic.code in ("invalid-syntax", "E999", "E902"):
            return Stage.BUILD
        return Stage.DOCS if _DOCS.match(diagnostic.code) else self.stage


PARSER = Ruff()
