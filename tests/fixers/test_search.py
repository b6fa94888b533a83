"""The search turns small buggy packages green, by the real command in the real sandbox."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from llm.domain import DiscardReason, Evaluation
from llm.fixers.search import FIXER
from tests.fixers.red_python import UNITTEST, red_python

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
                assert app.note("b") == 2
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
    with red_python(tmp_path, files, f"{sys.executable} -m pytest -q -o timeout=2") as red:  # with pytest-timeout
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


TWO_FAULTS = {
    "stats.py": "def mean(values):\n    return sum(values) / (len(values) + 1)\n",
    "text.py": 'def initials(name):\n    return "".join(part[1] for part in name.split())\n',
    "test_two.py": """
        from stats import mean
        from text import initials

        def test_initials():
            assert initials("Ada Lovelace") == "AL"

        def test_mean():
            assert mean([1, 2, 3]) == 2
        """,
}
ONE_FILE = {
    "both.py": TWO_FAULTS["stats.py"] + "\n\n" + TWO_FAULTS["text.py"],
    "test_two.py": TWO_FAULTS["test_two.py"].replace("stats", "both").replace("text", "both"),
}


@pytest.mark.parametrize("files", [TWO_FAULTS, ONE_FILE], ids=["two files", "one file"])
def test_independent_faults_are_mended_one_after_the_other(tmp_path: Path, files: dict[str, str]) -> None:
    """No edit turns both tests green: the search offers two at once, or what turns one green, and on top of it the
    rest."""
    with red_python(tmp_path / "first", files) as red:
        first = next(c for c in FIXER.propose(red.state()) if red.failures(c) < 2)
        after = {**red.files, **red.texts(first)}
        if red.failures(first) == 0:
            return
    with red_python(tmp_path / "then", after) as red:
        red.first_green(FIXER)


def test_once_a_part_has_proved_itself_the_pipeline_is_asked_to_keep_it(tmp_path: Path) -> None:
    with red_python(tmp_path, TWO_FAULTS) as red:
        proposals = FIXER.propose(red.state())
        candidate = next(proposals)
        progress = Evaluation(candidate, 0, DiscardReason.CHECKS_RED, fail_to_pass=("one",))
        rest = []
        with suppress(StopIteration):
            while True:
                rest.append(proposals.send(progress))
    assert {path for c in [candidate, *rest] for path in red.texts(c)} in ({"stats.py"}, {"text.py"})


def test_a_large_repository_is_searched_as_soon_as_a_small_one(tmp_path: Path) -> None:
    table = "TABLE = {\n" + "".join(f"    'key{n}': {n},\n" for n in range(3000)) + "}\n"
    bulk = {f"pkg/table_{n}.py": table for n in range(25)}
    small = {"app.py": "def add(a, b):\n    return a - b\n", "test_app.py": ADD}
    with red_python(tmp_path, {**bulk, **small}) as red:
        red.seconds = 5.0
        assert red.first_green(FIXER) == {"app.py": "def add(a, b):\n    return a + b\n"}


ADD = "import app\n\ndef test_add():\n    assert app.add(2, 3) == 5\n"


def test_a_process_that_a_test_leaves_behind_holds_nothing_up(tmp_path: Path) -> None:
    files = {
        "app.py": "def add(a, b):\n    return a - b\n",
        "test_app.py": """
            import os, time
            import app

            def test_add():
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                assert app.add(2, 3) == 5
            """,
    }
    with red_python(tmp_path, files) as red:
        red.seconds = 8.0
        assert next(iter(FIXER.propose(red.state()))).diff.count("+    return a + b") == 1


def test_a_byte_order_mark_is_in_nobodys_way(tmp_path: Path) -> None:
    code = "\ufeffdef add(a, b):\r\n    return a - b\r\n"
    with red_python(tmp_path, {"app.py": code, "test_app.py": ADD}) as red:
        assert red.first_green(FIXER) == {"app.py": code.replace("a - b", "a + b")}


def test_that_there_was_nothing_to_try_is_said(tmp_path: Path) -> None:
    with red_python(tmp_path, {"test_app.py": "def test_it():\n    assert 1 == 2\n"}) as red:
        assert list(FIXER.propose(red.state())) == []
    assert red.said[-1] == "search: nothing tried: there is no edit to try"
