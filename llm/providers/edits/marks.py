"""The lines that give a form of edit away, so that no other form takes them for content; and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

SEARCH = re.compile(r"[ \t]*(?:<{5,9}|-{5,9}) ?(?:SEARCH|ORIGINAL|HEAD|OLD|BEFORE)\b[> :]*(?P<path>.{0,300})$")
DIVIDER = re.compile(r"[ \t]*={5,9}[ \t]*$")
REPLACE = re.compile(r"[ \t]*(?:>{5,9}|\+{5,9}) ?(?:REPLACE|UPDATED|NEW|AFTER|[\w/.-]{1,100})[ \t]*$")
ENVELOPE = re.compile(r"\*\*\* (?:Begin Patch|(?:Update|Add|Delete) File: .)")

_COMMENT = re.compile(r"\s*(?:#|//|/\*\*?|<!--|--|;|%|\{\s*/\*|\*|\"\"\"|\(\*)\s*(?P<said>[^\n]{1,120})$")
_CLOSING = re.compile(r"\s*(?:\*/\s*\}|\*/|-->|\"\"\"|\*\))\s*$")
_DOTS = re.compile(r"(?:\.{3,}|…)")
_REST = re.compile(
    r"\b(?:rest|remaind(?:er|ing)|remaining|existing|unchanged|same|previous|other|omitted|original|keep|code"
    r"|imports?|methods?|functions?|lines?|implementation)\b",
    re.IGNORECASE,
)
_UNCHANGED = re.compile(
    r"\(?(?:the )?(?:rest|remainder|remaining|other|existing|previous)\b[^\n]{0,60}"
    r"\b(?:unchanged|same|as (?:before|is)|here|not shown|omitted|stays?|remains?)\b",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(r"\s*\[[….]+ ?\d+ lines? (?:are )?(?:left out|omitted)")


def is_other_form(body: Sequence[str], before: str) -> bool:
    """Whether a block of code is in truth a search/replace block, a diff or a patch (and the file held none)."""
    first = list(islice((line for line in body if line.strip()), 2))
    if first and (first[0].startswith(("--- ", "diff --git ", "@@ ")) or ENVELOPE.match(first[0])):
        return True
    if not holds_blocks(before):
        return any(SEARCH.match(line) for line in body)
    among = first if first and len(first[0].split()) == 1 else first[:1]  # a path may stand above a block
    return any(SEARCH.match(line) for line in among)


def holds_blocks(text: str) -> bool:
    """Whether a file has search markers of its own, as tests of tools like this one do."""
    return any(SEARCH.match(line) for line in text.split("\n")) if "<<<<<" in text or "-----" in text else False


def placeholder(lines: Iterable[str], path: str) -> str:
    """The first line that says "and so on" where code ought to be, or "". A bare `...` is code in Python."""
    python = path.endswith((".py", ".pyi"))
    return next((line for line in lines if _stands_for_code(line, python)), "")


def _stands_for_code(line: str, python: bool) -> bool:
    if len(line) > 300:
        return False
    if line.strip() in ("...", "…"):
        return not python
    if _LEFT_OUT.match(line):
        return True
    comment = _COMMENT.match(line)
    if not comment:
        return False
    said = _CLOSING.sub("", comment["said"]).strip()
    dots = _DOTS.match(said) or said.endswith(("...", "…"))
    return bool((dots and (_REST.search(said) or not said.strip(".… "))) or _UNCHANGED.match(said))
