"""Answers ruff's complaints that ruff has no fix for, by rule; all of them at once, then one rule at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm.domain import Candidate, Diagnostic
from llm.fixers._tool import diff_of, red_checks
from llm.fixers.base import RedState
from llm.fixers.python_lint.rules import RULES
from llm.fixers.python_types.code import Code, Point, Way
from llm.fixers.python_types.merge import merged

_PRIOR = 0.85


class LintRules:
    """Behaviour-keeping edits for single rules."""

    name = "lint rules"
    rank = 3

    def wants(self, red: RedState) -> bool:
        """A red complaint of ruff's with a rule that is in the table."""
        return bool(_complaints(red))

    def missing(self, red: RedState) -> str:
        """Nothing: no tool is started."""
        return ""

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """Every complaint that has a way answered at once; then those of each rule alone."""
        found = _ways(red)
        codes = sorted(found)
        for chosen in [codes, *([code] for code in codes)] if len(codes) > 1 else [codes]:
            ways = [way for code in chosen for way in found[code]]
            texts = merged(red.files, {}, ways)
            if texts:
                said = ", ".join(f"{code} {found[code][0].said}" for code in chosen)
                prior = min(_PRIOR, *(way.prior for way in ways))
                yield Candidate(diff=diff_of(red, texts), origin=f"lint rules: {said}", prior=prior)


def _complaints(red: RedState) -> list[Diagnostic]:
    return [d for r in red_checks(red, "ruff") for d in r.diagnostics if d.tool == "ruff" and d.code in RULES]


def _ways(red: RedState) -> Mapping[str, list[Way]]:
    """The first way of each complaint, by rule."""
    code = Code(red.files, {})
    every = tuple(d for r in red_checks(red, "ruff") for d in r.diagnostics)
    found: dict[str, list[Way]] = {}
    for diagnostic in _complaints(red):
        source = code.source(diagnostic.path)
        way = next(RULES[diagnostic.code](Point(code, source, diagnostic, every)), None) if source else None
        if way is not None and way not in found.get(diagnostic.code, ()):
            found.setdefault(diagnostic.code, []).append(way)
    return found


FIXER = LintRules()
