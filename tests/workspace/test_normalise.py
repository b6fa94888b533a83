"""Candidates count as the same only where no check can tell them apart."""

from __future__ import annotations

import pytest

from llm.workspace.normalise import normal_form

SAME = [
    ("a.py", b"x = 1\n", b"x  =  1  # one\n\n"),
    ("a.py", b"f('a')\n", b'f(\n    "a",\n)\n'),
    ("a.ts", b"if (x) {\n  y();\n}\n", b"if (x) {\n\ty();\r\n\n}\n"),
    ("a.md", b"x\n", b"x  \r\n"),
]
DIFFERENT = [
    ("a.py", b"x = 1\n", b"x = 2\n"),
    ("a.py", b"x = []  # type: list[int]\n", b"x = []  # type: list[str]\n"),
    ("a.py", b"x = 1  # type: ignore\n", b"x = 1\n"),
    ("a.py", b"if x:\n    y()\nz()\n", b"if x:\n    y()\n    z()\n"),
    ("a.yaml", b"a:\n  b: 1\n", b"a:\nb: 1\n"),
    ("a.ts", b"x = 'a b'\n", b"x = 'a  b'\n"),
    ("a.py", b"x = (\n", b"x = [\n"),
    ("a.py", b"", None),
]


@pytest.mark.parametrize(("path", "one", "other"), SAME)
def test_same(path: str, one: bytes, other: bytes) -> None:
    assert normal_form({path: one}) == normal_form({path: other})
    assert normal_form({path: one}, layout_matters=True) != normal_form({path: other}, layout_matters=True)


@pytest.mark.parametrize(("path", "one", "other"), DIFFERENT)
def test_different(path: str, one: bytes, other: bytes | None) -> None:
    assert normal_form({path: one}) != normal_form({path: other})


def test_the_path_counts() -> None:
    assert normal_form({"a.py": b"x"}) != normal_form({"b.py": b"x"})
    assert normal_form({"a": b"x", "b": b"y"}) == normal_form({"b": b"y", "a": b"x"})
