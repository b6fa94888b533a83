"""Complaints that end because the code is gone, and honest changes that look a little like it."""

from __future__ import annotations

from llm.checks.recognise import check_of
from llm.domain import CheckResult, Diagnostic
from llm.rerank.taken_away import taken_away

APP = "export function label(count) {}\nexport const total = 1;\nfunction own() {}\n"


def lost(before: dict[str, str], after: dict[str, str], *complained: str) -> tuple[str, ...]:
    found = tuple(Diagnostic("tsc", "no", path) for path in complained)
    return taken_away(CheckResult(check_of("tsc"), ("tsc",), 1, 0.1, diagnostics=found), before, after)


def test_what_is_gone_is_told() -> None:
    assert lost({"a.ts": APP}, {"a.ts": "export {};\n"}, "a.ts") == ("label", "total")
    assert lost({"a.ts": APP}, {}, "a.ts") == ("label", "total")
    assert lost({"a.ts": APP}, {"a.d.ts": APP}, "a.ts") == ("label", "total")
    assert lost({"a.py": "def f():\n    pass\n"}, {"a.py": ""}, "a.py") == ("f",)


def test_honest_changes_take_nothing_away() -> None:
    assert not lost({"a.ts": APP}, {"a.ts": APP.replace("label", "named")}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": "", "b.ts": APP}, "a.ts")
    assert not lost({"a.ts": APP + APP}, {"a.ts": APP}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": APP.replace("function own() {}\n", "")}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": ""}, "b.ts")
    assert not lost({"a.py": "import os\n\n\ndef f(): ...\n"}, {"a.py": "def f(): ...\n"}, "a.py")
