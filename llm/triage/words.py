"""What a log's name and its words say about the stage, where no parser knew a line of it. Whole words only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from llm.domain import Stage

BLOCKING = (Stage.BUILD, Stage.TYPES, Stage.TESTS, Stage.STYLE, Stage.DOCS, Stage.GENERAL)
"""What keeps the next from being seen comes first."""

_NAMES: Mapping[Stage, re.Pattern[str]] = MappingProxyType(
    {
        Stage.BUILD: re.compile("build|compile|bundle|link|make|cmake|gcc|clang|webpack|rollup|vite|esbuild"),
        Stage.TYPES: re.compile("types?|typing|typecheck(?:er)?|mypy|(?:based)?pyright|tsc|ty"),
        Stage.TESTS: re.compile("tests?|testing|unit|e2e|specs?|unittest|pytest|vitest|jest|mocha"),
        Stage.STYLE: re.compile("style|lint(?:er|ing)?|format|fmt|ruff|eslint|flake8|prettier|biome|clippy|black"),
        Stage.DOCS: re.compile("docs?|documentation|sphinx|mkdocs|markdownlint|pydocstyle|typedoc"),
    }
)

_WORDS: Mapping[Stage, re.Pattern[str]] = MappingProxyType(
    {
        Stage.BUILD: re.compile(
            r"\b(?:build|compilation|linking|bundling) (?:failed|errors?)\b|\bfailed to (?:compile|build)\b"
            r"|\bundefined reference\b|\bcannot find module\b|\bno module named\b|\bmodulenotfounderror\b"
            r"|\bimporterror\b|\bsyntaxerror\b|\bcould not compile\b|\bno such file or directory\b"
        ),
        Stage.TYPES: re.compile(
            r"\btype[ -]?check(?:er|ing)?\b|\btype errors?\b|\bincompatible types?\b|\bnot assignable to\b"
            r"|\bmismatched types\b|\bmypy\b|\bpyright\b|\btsc\b"
        ),
        Stage.TESTS: re.compile(
            r"\b(?:pytest|vitest|jest|unittest|mocha)\b|\btests? (?:suites? )?(?:failed|failures?)\b"
            r"|\bfail(?:ed|ing) tests?\b|\bassertion(?:error| failed)\b|\b\d+ (?:tests? )?failed\b"
        ),
        Stage.STYLE: re.compile(
            r"\b(?:eslint|ruff|flake8|prettier|stylelint|clippy|pylint)\b|\blint(?:er|ing)? (?:errors?|failed)\b"
            r"|\bwould reformat\b|\bcode style\b|\bformatting (?:issues?|errors?)\b"
        ),
        Stage.DOCS: re.compile(
            r"\b(?:sphinx|mkdocs|markdownlint|pydocstyle|typedoc)\b|\bmissing docstrings?\b|\bbroken links?\b"
        ),
    }
)


def stage_of_name(name: str) -> tuple[Stage, str] | None:
    """The stage that a word of a log's name means, and that word (`ci/unit-tests.log`, `typeCheck`)."""
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-z0-9]+", spread.lower())
    named = ((stage, word) for stage in _NAMES for word in words if _NAMES[stage].fullmatch(word))
    return next(named, None)


def stage_of_words(text: str) -> tuple[Stage, str] | None:
    """The stage that most of a log's telling words mean, and the first of them. Equal counts: what blocks."""
    lowered = text.lower()
    found = {stage: pattern.findall(lowered) for stage, pattern in _WORDS.items()}
    best = max(found, key=lambda stage: len(found[stage]))
    return (best, found[best][0]) if found[best] else None
