"""Complaints of pyright are answered in the same ways as those of mypy."""

from __future__ import annotations

from pathlib import Path

from llm.fixers.type_errors import FIXER
from tests.fixers.red_builds import red_build

APP = """from __future__ import annotations

import re


def label(amount: int, suffix: str = None) -> str:
    return f"{amount}{suffix or ''}"


def size(text: str) -> str:
    return len(text)


def digits(text: str) -> str:
    found = re.match(r"[0-9]+", text)
    return found.group()
"""


def test_pyright_falls_silent(tmp_path: Path) -> None:
    files = {"app.py": APP, "pyrightconfig.json": '{"include": ["app.py"]}'}
    with red_build(tmp_path, files, "npx pyright") as build:
        red = build.red()
        assert FIXER.wants(red)
        first = next(iter(FIXER.propose(red)))
        assert build.green(first), build.said
        after = build.after(first)["app.py"]
    assert "suffix: str | None = None" in after
    assert "def size(text: str) -> int:" in after
    assert "    assert found is not None\n    return found.group()\n" in after
