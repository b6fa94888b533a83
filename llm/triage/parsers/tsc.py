"""The TypeScript compiler: plain and pretty, and a bare `TS2307` as bundlers and test runners quote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, diagnostic, lines

_FILES = r"[cm]?[jt]sx?|vue|svelte|astro|json"
_END = r"(?P<severity>error|warning) (?P<code>TS\d{4,5}): (?P<message>.*)"
_PLAIN = re.compile(
    rf"(?P<path>[^\s(][^\t\n]*?\.(?:{_FILES}))\((?P<line>\d{{1,7}}),(?P<column>\d{{1,7}})\): " + _END
)
_PRETTY = re.compile(r"\s{0,8}" + at(_FILES) + " - " + _END)
_BARE = re.compile(r"(?:.*[^\w-])?(?P<code>TS\d{4,5})\b(?:: (?P<message>.*))?")
_PROJECT = re.compile(r"TS(?:5\d{3}|6\d{3}|18003)$")
"""Options and project files. All other codes are types, syntax (TS1xxx) too: the routes are the same."""
_UNUSED = frozenset({"TS6133", "TS6138", "TS6192", "TS6196", "TS6198", "TS6199", "TS6205"})
"""Among the options' numbers, but complaints about the code: something is declared and never used."""


class Tsc:
    """Every line that names a TypeScript code is evidence; the place is read where it is given."""

    tool = "tsc"
    stage = Stage.TYPES

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for line in lines(text):
            if "TS" in line and (found := _PLAIN.match(line) or _PRETTY.match(line) or _BARE.match(line)):
                yield diagnostic(self.tool, found)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A project that cannot be read breaks the build."""
        project = _PROJECT.match(diagnostic.code) and diagnostic.code not in _UNUSED
        return Stage.BUILD if project else self.stage


PARSER = Tsc()
