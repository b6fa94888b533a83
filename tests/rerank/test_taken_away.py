"""Complaints that end because the code is gone, and honest changes that look a little like it."""

from __future__ import annotations

from llm.checks.recognise import check_of
from llm.domain import CheckResult, Diagnostic
from llm.rerank.taken_away import taken_away

APP = "export function label(count) {}\nexport const total = 1;\nfunction own() {}\n"


def lost(before: dict[str, str], after: dict[str, str], *complained: str) -> str:
    found = tuple(Diagnostic("tsc", "no", path) for path in complained)
    return taken_away(CheckResult(check_of("tsc"), ("tsc",), 1, 0.1, diagnostics=found), before, after)


def test_what_is_gone_is_told() -> None:
    assert lost({"a.ts": APP}, {"a.ts": "export {};\n"}, "a.ts") == "label"
    assert lost({"a.ts": APP}, {}, "a.ts") == "label"
    assert lost({"a.ts": APP}, {"a.d.ts": APP}, "a.ts") == "label"
    assert lost({"a.py": "def f():\n    pass\n"}, {"a.py": ""}, "a.py") == "f"
    assert lost({"a.cjs": "const own = 1;\n"}, {"a.cjs": ""}, "a.cjs") == "a.cjs"
    assert lost({"a.py": "LIMIT = 1\n"}, {}, "a.py") == "a.py"


def test_honest_changes_take_nothing_away() -> None:
    assert not lost({"a.ts": APP}, {"a.ts": APP.replace("label", "named")}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": "", "b.ts": APP}, "a.ts")
    assert not lost({"a.ts": APP + APP}, {"a.ts": APP}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": APP.replace("function own() {}\n", "")}, "a.ts")
    assert not lost({"a.ts": APP}, {"a.ts": ""}, "b.ts")
    assert not lost({"a.cjs": "const own = 1;\n"}, {"b.cjs": "const own = 1;\n"}, "a.cjs")
    assert not lost({"a.py": "import os\n"}, {"a.py": ""}, "a.py")
    assert not lost({"a.py": "import os\n\n\ndef f(): ...\n"}, {"a.py": "def f(): ...\n"}, "a.py")
