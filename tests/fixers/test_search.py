"""The search turns small buggy packages green, by the real command in the real sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers.search import FIXER
from tests.fixers.red_python import PYTEST, UNITTEST, red_python

BUGS = {
    "off by one": (
        """
        def window_sums(values, size):
            # keep this comment
            return [sum(values[i : i + size]) for i in range(len(values) - size)]
        """,
        "from app import window_sums\n",
        [("window_sums([1, 2, 3, 4], 2)", "[3, 5, 7]"), ("window_sums([5], 1)", "[5]")],
        "range(len(values) - size + 1)",
    ),
    "wrong operator": (
        """
        def celsius(fahrenheit):
            return (fahrenheit + 32) * 5 / 9
        """,
        "from app import celsius\n",
        [("celsius(212)", "100"), ("celsius(32)", "0")],
        "(fahrenheit - 32) * 5 / 9",
    ),
    "wrong variable": (
        """
        def clamp(value, low, high):
            if value < low:
                return low
            if value > high:
                return low
            return value
        """,
        "from app import clamp\n",
        [("clamp(9, 1, 5)", "5"), ("clamp(0, 1, 5)", "1"), ("clamp(3, 1, 5)", "3"), ("clamp(8, 2, 6)", "6")],
        "return high",
    ),
    "missing guard": (
        """
        def average(numbers):
            total = 0
            for number in numbers:
                total += number
            return total / len(numbers)
        """,
        "from app import average\n",
        [("average([])", "0"), ("average([2, 4])", "3")],
        "if not numbers:",
    ),
    "wrong method": (
        """
        def flatten(groups):
            flat = []
            for group in groups:
                flat.append(group)
            return flat
        """,
        "from app import flatten\n",
        [("flatten([[1, 2], [3]])", "[1, 2, 3]"), ("flatten([])", "[]")],
        "flat.extend(group)",
    ),
    "wrong default": (
        """
        def shout(text, times=2):
            return text.upper() + "!" * times
        """,
        "from app import shout\n",
        [("shout('hey')", "'HEY!'"), ("shout('ho', 3)", "'HO!!!'")],
        "times=1",
    ),
    "return in the loop": (
        """
        def longest(words):
            best = ""
            for word in words:
                if len(word) > len(best):
                    best = word
                return best
        """,
        "from app import longest\n",
        [("longest(['a', 'ccc', 'bb'])", "'ccc'"), ("longest(['a'])", "'a'")],
        "    return best",
    ),
    "missing case fold": (
        """
        def same_word(left, right):
            return left.strip() == right.strip().lower()
        """,
        "from app import same_word\n",
        [("same_word('HaT', 'hat ')", "True"), ("same_word('a', 'b')", "False"), ("same_word('X', 'x')", "True")],
        ".lower()",
    ),
}


def pytest_suite(imports: str, cases: list[tuple[str, str]]) -> str:
    tests = (f"def test_{n}():\n    assert {call} == {expected}\n" for n, (call, expected) in enumerate(cases))
    return imports + "\n\n" + "\n\n".join(tests)


def unittest_suite(imports: str, cases: list[tuple[str, str]]) -> str:
    tests = (
        f"    def test_{n}(self):\n        self.assertEqual({call}, {expected})\n"
        for n, (call, expected) in enumerate(cases)
    )
    return f"import unittest\n{imports}\n\nclass TestApp(unittest.TestCase):\n" + "\n".join(tests)


@pytest.mark.parametrize("bug", BUGS)
def test_pytest_bugs_turn_green(tmp_path: Path, bug: str) -> None:
    code, imports, cases, expected = BUGS[bug]
    with red_python(tmp_path, {"app.py": code, "test_app.py": pytest_suite(imports, cases)}) as red:
        assert expected in red.first_green(FIXER)["app.py"]


@pytest.mark.parametrize("bug", ["off by one", "wrong variable", "wrong method"])
def test_unittest_bugs_turn_green(tmp_path: Path, bug: str) -> None:
    code, imports, cases, expected = BUGS[bug]
    files = {"app.py": code, "test_app.py": unittest_suite(imports, cases)}
    with red_python(tmp_path, files, UNITTEST) as red:
        assert expected in red.first_green(FIXER)["app.py"]


def test_the_rest_of_the_file_keeps_every_byte(tmp_path: Path) -> None:
    code = "# naïve\nÄRGER = 'ä'  # ü\ndef add( a,b ):\n\treturn ÄRGER and (a-b)   # sum\n\n\nx   = 1\n"
    files = {"app.py": code, "test_app.py": "import app\n\ndef test_add():\n    assert app.add(2, 3) == 5\n"}
    with red_python(tmp_path, files) as red:
        assert red.first_green(FIXER) == {"app.py": code.replace("a-b", "a+b")}


def test_packages_with_fixtures_parameters_and_conftest(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/cart.py": """
            class Cart:
                def __init__(self, rate):
                    self.rate = rate
                    self.items = []

                def add(self, price, count=1):
                    self.items.append((price, count))

                def total(self):
                    return sum(price + count for price, count in self.items)
            """,
        "tests/conftest.py": """
            import pytest
            from shop.cart import Cart

            @pytest.fixture
            def cart():
                return Cart(rate=2)
            """,
        "tests/test_cart.py": """
            import pytest

            @pytest.mark.parametrize("price, count, total", [(2, 2, 4), (3, 4, 12), (5, 0, 0)])
            def test_total(cart, price, count, total):
                cart.add(price, count)
                assert cart.total() == total
            """,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\nfilterwarnings = ["error"]\n',
    }
    with red_python(tmp_path, files) as red:
        assert "price * count" in red.first_green(FIXER)["src/shop/cart.py"]


def test_state_that_tests_leave_in_modules_gives_no_false_verdict(tmp_path: Path) -> None:
    """Whoever judged two candidates in one process would find SEEN filled and every verdict but the first red."""
    files = {
        "app.py": "SEEN = []\n\ndef note(x):\n    SEEN.append(x)\n    return len(SEEN) + 1\n",
        "test_app.py": """
            import app
            CALLS = []

            def test_first():
                CALLS.append(1)
                assert app.note("a") == 1
                assert len(CALLS) == 1 and app.SEEN == ["a"]
            """,
    }
    with red_python(tmp_path, files) as red:
        assert "return len(SEEN)\n" in red.first_green(FIXER)["app.py"]


def test_mutants_that_hang_or_eat_memory_are_killed(tmp_path: Path) -> None:
    files = {
        "app.py": """
            def collatz(n):
                steps = []
                while n != 1:
                    n = n // 2 if n % 2 == 0 else 3 * n + 1
                    steps.append(n)
                return len(steps) + 2
            """,
        "test_app.py": "import app\n\ndef test_it():\n    assert [app.collatz(n) for n in (1, 6)] == [0, 8]\n",
    }
    with red_python(tmp_path, files) as red:
        red.seconds = 12.0
        assert "return len(steps)\n" in red.first_green(FIXER)["app.py"]


def test_a_program_that_hangs_is_searched_too(tmp_path: Path) -> None:
    files = {
        "app.py": """
            def count_down(n):
                steps = 0
                while n > 0:
                    n += 1
                    steps += 1
                return steps
            """,
        "test_app.py": "from app import count_down\n\ndef test_it():\n    assert count_down(3) == 3\n",
    }
    with red_python(tmp_path, files, f"{PYTEST} -o timeout=2") as red:
        assert red.first_green(FIXER)["app.py"].count("n += 1") == 0


def test_it_stops_when_nothing_more_is_wanted(tmp_path: Path) -> None:
    files = {
        "app.py": "def f(x):\n    return x\n",
        "test_app.py": "from app import f\n\ndef test_f():\n    assert f(1) == 'no'\n",
    }
    with red_python(tmp_path, files) as red:
        state = red.state()
        state.cancel.set()
        assert list(FIXER.propose(state)) == []
        red.seconds = 0.0
        assert list(FIXER.propose(red.state())) == []
