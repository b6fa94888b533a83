"""Marks that make a check look away: counted before and after, so that a moved line is no offence."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator

_PYTHON_COMMENT = re.compile(
    r"#\s*(?:(?:ruff|flake8)\s*:\s*)?(?:noqa|nosec|nopycln)\b.*"
    r"|#\s*(?:type\s*:\s*ignore|pyright\s*:|mypy\s*:|pyre-|pylint\s*:|ty\s*:\s*ignore|pragma\s*:\s*no\s|isort\s*:).*"
    r"|#\s*(?:pyrefly|pytype|basedpyright|codespell|semgrep|sourcery)\s*:.*"
    r"|#\s*(?:fmt|ruff|autopep8|yapf)\s*:\s*(?:off|skip|ignore|disable|file-ignore).*",
    re.IGNORECASE,
)
_PYTHON_CODE = re.compile(
    r"\b(?:pytest|_pytest\.outcomes)\s*\.\s*(?:skip|xfail|importorskip|exit)\b"
    r"|\bmark\s*\.\s*(?:skip|skipif|xfail)\b"
    r"|\bunittest\s*\.\s*(?:skip\w*|expectedFailure|SkipTest)\b"
    r"|\bself\s*\.\s*skipTest\b|\bSkipTest\b|\bexpectedFailure\b|\bno_type_check\b"
    r"|\bfrom\s+(?:pytest|unittest)\s+import\b[^;\n]*\b(?:skip\w*|xfail|importorskip|mark|exit)\b"
    r"|\b(?:collect_ignore(?:_glob)?|__test__|pytestmark|pytest_plugins)\s*=|\bfilterwarnings\s*\("
    r"|\bnot\s+(?:\w+\s*\.\s*)?TYPE_CHECKING\b"
    r"|(?<![.\w])(?<!\. )(?:exec|eval)\s*\(\s*(?:compile\s*\(\s*)?[,)]"  # of a literal: code that no tool reads
)
_PYTHON_NAMES = re.compile(
    r"[rub]?([\"'])(?:skip(?:if|Test|Unless)|SkipTest|xfail|importorskip|expectedFailure)\1"
)
"""Text that is a mark's whole name: what `getattr` would be given."""
_GAP = r"(?:\s|/\*[^*]*\*/)*"
"""What may stand between two words of JavaScript."""
# Outside Python the raw text is searched: a false alarm in a string is cheaper than a scanner that can be misled.
_OTHER = re.compile(
    r"@ts-(?:ignore|expect-error|nocheck)\b.*|\b(?:eslint|tslint|oxlint|stylelint)-disable\b.*|/\*\s*eslint\s.*"
    r"|\b(?:biome|prettier|deno-lint)-ignore\b.*|\b(?:istanbul|c8|v8)\s+ignore\b.*|@flow\s+strict-off"
    rf"|\b(?:it|test|describe|suite|context|bench)(?:{_GAP}\.{_GAP}\w+)*{_GAP}(?:\.|\[){_GAP}[\"'`]?"
    r"(?:skip|only|todo|skipIf|runIf|fails|failing)\b"
    rf"|\b(?:this|t|ctx){_GAP}\.{_GAP}(?:skip|todo){_GAP}\("
    rf"|\b(?:xit|xtest|xdescribe|fit|fdescribe){_GAP}\(|\bskip[\"'`]?\s*:\s*(?:true\b|!\s*0)"
    r"|//\s*nolint\b.*|\bt\.Skip(?:f|Now)?\(|#!?\[\s*(?:allow|ignore|expect)\b.*|#!?\[\s*cfg_attr\b.*\b(?:allow|ignore)\b.*"
    r"|@SuppressWarnings\b.*|#\s*pragma\s+(?:GCC|clang)\s+diagnostic\b.*|//\s*NOLINT.*|\bshellcheck\s+disable\b.*"
)


def suppressions(path: str, text: str) -> Counter[str]:
    """The marks in a file, each by its own text (`# noqa: F401`, `mark.skip`), blanks squeezed, and how often."""
    marks = _python(text) if path.endswith((".py", ".pyi")) else (m.group() for m in _OTHER.finditer(text))
    return Counter(" ".join(mark.split()) for mark in marks)


def may_suppress(path: str, text: str) -> bool:
    """Whether lines hold anything like a mark; cheap, and never False where `suppressions` finds one."""
    if not path.endswith((".py", ".pyi")):
        return bool(_OTHER.search(text) or _OTHER_HINT.search(text))
    return bool(_PYTHON_COMMENT.search(text) or _PYTHON_HINT.search(text))


_PYTHON_HINT = re.compile(
    r"skip|xfail|exit|expectedFailure|SkipTest|no_type_check|collect_ignore|__test__|filterwarnings"
    r"|pytestmark|pytest_plugins|TYPE_CHECKING|exec|eval"
)
_OTHER_HINT = re.compile(r"skip|only|todo|runIf|fails|failing|eslint")
"""Words of marks that may be spread over lines, of which only some are added."""


def _python(text: str) -> Iterator[str]:
    comments, code = _tokens(text)
    for comment in comments:
        yield from (match.group() for match in _PYTHON_COMMENT.finditer(comment))
    yield from (match.group() for match in _PYTHON_CODE.finditer(code))
    yield from (match.group() for match in _PYTHON_NAMES.finditer(text))


_TEXT_KINDS = (tokenize.STRING, tokenize.NL, getattr(tokenize, "FSTRING_MIDDLE", -1))


def _tokens(text: str) -> tuple[list[str], str]:
    """Comments, and the code without comments and strings; for text that is not Python, its lines as both."""
    comments: list[str] = []
    code: list[str] = []
    try:
        for kind, string, *_ in tokenize.generate_tokens(io.StringIO(text).readline):
            if kind == tokenize.COMMENT:
                comments.append(string)
            elif kind not in _TEXT_KINDS:
                code.append(string)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return text.split("\n"), text
    return comments, " ".join(code)
