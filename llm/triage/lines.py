"""What the parsers share: scanning a log line by line, in time linear in its length.

Every pattern here and in `parsers/` is tried on one line of at most `LONGEST` characters, from its start; that,
and no two neighbouring repetitions that could share a character, keeps hostile logs from costing minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llm.domain import Diagnostic, Stage

LONGEST = 2_000
"""Characters of a line that are read; minified bundles and base64 say nothing further on."""

DEEPEST = 400
"""Lines kept after a heading; a stack that is deeper than this has shown its top long before."""


def lines(text: str) -> Iterator[str]:
    """The lines, each cut to `LONGEST` characters, without the newline."""
    return (line[:LONGEST] for line in text.split("\n"))


def scan(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """A match for every line that the pattern fits from its start."""
    return (found for line in lines(text) if (found := pattern.match(line)))


def blocks(text: str, heading: re.Pattern[str]) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Each line that is a heading, with the lines under it up to the next heading (at most `DEEPEST`)."""
    current: re.Match[str] | None = None
    under: list[str] = []
    for line in lines(text):
        if found := heading.match(line):
            if current:
                yield current, under
            current, under = found, []
        elif current and len(under) < DEEPEST:
            under.append(line)
    if current:
        yield current, under


def first(under: list[str], pattern: re.Pattern[str]) -> re.Match[str] | None:
    """The first of these lines that the pattern fits, or None."""
    return next((found for line in under if (found := pattern.match(line))), None)


def at(extensions: str) -> str:
    """Pattern source for `path:line` or `path:line:column`, for files of these extensions (`pyi?|ipynb`).

    The extension is what keeps apart the tools that write `path:line:column: message` alike.
    """
    path = rf"(?P<path>(?:[A-Za-z]:)?[^\s:][^:\t\n]*\.(?:{extensions}))"
    return path + r":(?P<line>\d{1,7})(?::(?P<column>\d{1,7}))?"


def diagnostic(tool: str, *matches: re.Match[str] | None, **known: str) -> Diagnostic:
    """A diagnostic from the named groups of the matches, which are fields; `known` and later matches win."""
    fields: dict[str, str] = {}
    for found in matches:
        fields |= {name: value for name, value in (found.groupdict() if found else {}).items() if value}
    fields |= known
    return Diagnostic(
        tool=tool,
        message=fields.get("message", "").strip(),
        path=fields.get("path", ""),
        line=int(fields.get("line", 0)),
        column=int(fields.get("column", 0)),
        code=fields.get("code", ""),
        severity=fields.get("severity", "error"),
        test_id=fields.get("test_id", ""),
    )


@dataclass(frozen=True)
class LineParser:
    """A whole parser for a tool that says everything on one line; the patterns' groups are the fields."""

    tool: str
    stage: Stage
    patterns: tuple[re.Pattern[str], ...]

    def parse(self, text: str) -> Iterator[Diagnostic]:
        """One diagnostic for every line that a pattern fits."""
        return (diagnostic(self.tool, found) for pattern in self.patterns for found in scan(text, pattern))

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """Always the tool's own stage."""
        return self.stage
