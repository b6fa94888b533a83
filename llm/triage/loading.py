"""Whether a test file broke before any test ran: then the build is red, not the tests."""

from __future__ import annotations

import re

from llm.domain import Diagnostic, Stage

_CODES = frozenset({"ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError"})
_WORDS = re.compile(
    r"Cannot find (?:module|package)\b|Failed to (?:resolve import|load url|parse source)\b|Transform failed\b"
    r"|.*\bdoes not provide an export named\b|Jest encountered an unexpected token|.*: SyntaxError: "
)


def stage_of_loading(diagnostic: Diagnostic) -> Stage:
    """`build` for a file whose imports or syntax are broken, else `tests`. For failures outside of any test."""
    broken = diagnostic.code in _CODES or _WORDS.match(diagnostic.message)
    return Stage.BUILD if broken else Stage.TESTS
