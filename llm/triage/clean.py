"""Takes off a log what terminals and CI systems put around a tool's own words. Linear in the log's length."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9d\d+;[^\x07\x1b\x9c\x9d\n]*(?:\x07|\x1b\\|\x9c)"  # OSC and CSI in eight bits
    r"|\x9b[0-?]+[@-~]"
)
"""A string sequence that is never closed ends with its line, so that it cannot swallow the rest of a log. The
eight-bit forms must be whole: their first bytes are also what a wrongly decoded quotation mark leaves behind."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C0 and C1 but tab, newline and carriage return; and the marks that reorder or split what a reader sees."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")

_BLANK_LINES = re.compile(r"\n{4,}")
"""No format needs more than two blank lines in a row, and a log of nothing else should cost nothing."""

_STAMP = re.compile(
    r"(?:[^\t\n]{0,200}\t[^\t\n]{0,200}\t)?\ufeff?"  # `gh run view --log` puts job and step before the time
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    r"(?: \d\d[OE]\+?)?(?: |$)"  # GitLab: stream number, O or E, + where a line goes on
    r"|\[(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?\](?: |$)"
)
_MARKER = re.compile(
    r"##\[(?:group|endgroup|section|command|error|warning|debug|notice)\]"
    r"|::(?:group|endgroup|add-matcher|remove-matcher|stop-commands)(?: [^:\n]*)?::"
    r"|section_(?:start|end):\d+:[^\s\[]*(?:\[[^\]\n]*\])?"
)
_ANNOTATION = re.compile(r"::(?:error|warning|notice|debug)(?: [^:\n]*)?::")
_TASK = re.compile(
    r"[@\w/-]+:[A-Za-z][\w-]*: "  # turbo, `package:task: `; a dot would make it a file name
    r"|[@\w.-]+(?:/[@\w.-]+)+ [A-Za-z][\w:-]*: "  # pnpm, `packages/web test: `
    r"|[A-Za-z][\w.-]*[-_]\d+ +\| "  # docker compose, `web-1  | `
)
_WORKFLOW_ESCAPES = {"%0D": "\r", "%0A": "\n", "%25": "%"}


def strip_control(text: str) -> str:
    """The text without escape sequences and control characters; for all that is shown, stored or sent.

    Tab and newline stay, CRLF and a lone carriage return become a newline. Lone surrogates, which no UTF-8
    stream takes, become U+FFFD. What comes out is unchanged by a second pass.
    """
    return _plain(text).replace("\r\n", "\n").replace("\r", "\n")


def clean(text: str) -> str:
    """A log as its tools wrote it: no colours, timestamps, group markers, task prefixes or redrawn lines."""
    folded = _BLANK_LINES.sub("\n\n\n", _plain(text))
    return strip_control("\n".join(_clean_line(line) for line in folded.split("\n")))


def _plain(text: str) -> str:
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _ESCAPE.sub("", text)))


def _clean_line(line: str) -> str:
    if "\r" in line:
        line = line.rstrip("\r").rpartition("\r")[2]  # what a terminal would show last
    line = _cut(line, _STAMP)
    line = _cut(line, _MARKER)
    line = _annotation(line)
    return _cut(line, _TASK)


def _cut(line: str, prefix: re.Pattern[str]) -> str:
    found = prefix.match(line)
    return line[found.end() :] if found else line


def _annotation(line: str) -> str:
    """The message of a `::error file=…::message`, which carries the tool's own line or lines."""
    if not line.startswith("::") or not (found := _ANNOTATION.match(line)):
        return line
    message = line[found.end() :]
    for escape, character in _WORKFLOW_ESCAPES.items():
        message = message.replace(escape, character)
    return message
