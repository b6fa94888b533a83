"""Misspelt names are put right where they are used, or where they are defined."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers.python_names import FIXER
from tests.fixers.red_python import PYTEST, UNITTEST, red_python
from tests.workspace_python import PYTHON

RUFF = f"{PYTHON} -m ruff check --isolated --no-cache --select F"
MYPY = f"{PYTHON} -m mypy --no-incremental app.py"
POINT = """
class Point:
    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def area(self) -> int:
        return self.width * self.height


def make() -> Point:
    return Point(width=2, height=3)


def use(point: Point) -> int:
    total = point.area()
    return total
"""
TEST = "import app\n\ndef test_it():\n    assert app.use(app.make()) == 6\n"
UNIT = """
import unittest
import app

class T(unittest.TestCase):
    def test_it(self):
        assert app.use(app.make()) == 6
"""


@pytest.mark.parametrize("command", [PYTEST, UNITTEST, MYPY])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("return self.width * self.height", "return self.width * self.heigth"),
        ("point.area()", "point.aera()"),
        ("width=2, height=3", "width=2, heigt=3"),
        ("return total", "return totl"),
    ],
)
def test_misspelt_uses(tmp_path: Path, command: str, right: str, wrong: str) -> None:
    files = {"app.py": POINT.replace(right, wrong, 1), "test_app.py": UNIT if command == UNITTEST else TEST}
    with red_python(tmp_path, files, command) as red:
        assert red.first_green(FIXER)["app.py"] == POINT.lstrip("\n")


def test_ruff_undefined_name(tmp_path: Path) -> None:
    with red_python(tmp_path, {"app.py": "def f(value):\n    return vlaue + vlaue\n"}, RUFF) as red:
        assert red.first_green(FIXER) == {"app.py": "def f(value):\n    return value + value\n"}


@pytest.mark.parametrize("wrong", ["def maek(", "def aera(self"])
def test_misspelt_definitions(tmp_path: Path, wrong: str) -> None:
    right = {"def maek(": "def make(", "def aera(self": "def area(self"}[wrong]
    test = "from app import make\n\ndef test_it():\n    assert make().area() == 6\n"
    code = POINT.replace(right, wrong).partition("def use")[0]
    with red_python(tmp_path, {"app.py": code, "test_app.py": test}) as red:
        assert right in red.first_green(FIXER)["app.py"]


@pytest.mark.parametrize("wrong", ["math.sqr(len(text.upper()))", "math.sqrt(len(text.uper()))"])
def test_a_member_of_a_library_module_and_of_a_builtin(tmp_path: Path, wrong: str) -> None:
    files = {
        "app.py": f"import math\n\n\ndef f(text):\n    return {wrong}\n",
        "test_app.py": "from app import f\n\ndef test_it():\n    assert f('abcd') == 2\n",
    }
    with red_python(tmp_path, files) as red:
        assert "math.sqrt(len(text.upper()))" in red.first_green(FIXER)["app.py"]


def test_tests_are_never_changed(tmp_path: Path) -> None:
    files = {"app.py": "def f():\n    return 1\n", "test_app.py": "import app\n\ndef test_it():\n    app.g()\n"}
    with red_python(tmp_path, files) as red:
        assert all("test_app.py" not in red.texts(c) for c in FIXER.propose(red.state()))


USER = """
from dataclasses import dataclass


@dataclass
class User:
    name: str
    age: int = 0


def label(user: User) -> str:
    return user.nmae.upper()
"""
SHOUTED = "from app import User, label\n\ndef test_it():\n    assert label(User('ada')) == 'ADA'\n"


@pytest.mark.parametrize("command", [PYTEST, MYPY])
def test_a_use_is_likelier_misspelt_than_what_it_uses(tmp_path: Path, command: str) -> None:
    """Both candidates are green, so that the prior decides."""
    with red_python(tmp_path, {"app.py": USER, "test_app.py": SHOUTED}, command) as red:
        green = [c for c in FIXER.propose(red.state()) if red.green(c)]
    use, *definitions = sorted(green, key=lambda c: -c.prior)
    assert "+    return user.name.upper()" in use.diff
    assert definitions
    assert all(c.prior <= 0.6 < use.prior for c in definitions)


def test_the_nearest_spelling_of_any_complaint_goes_first(tmp_path: Path) -> None:
    """`isqrt` is two letters off, and green as well where the test asks for a whole number."""
    files = {
        "app.py": "import math\n\n\ndef f(n):\n    return math.sqr(n)\n\n\ndef g(n):\n    return math.flor(n)\n",
        "test_app.py": """
            from app import f, g

            def test_f():
                assert f(25) == 5

            def test_g():
                assert g(2.5) == 2
            """,
    }
    with red_python(tmp_path, files) as red:
        priors = {c.origin.split()[0]: c.prior for c in FIXER.propose(red.state())}
    assert min(priors[".sqrt"], priors[".floor"]) > priors[".isqrt"]
    assert list(priors.values()) == sorted(set(priors.values()), reverse=True)
