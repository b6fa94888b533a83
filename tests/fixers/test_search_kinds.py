"""Kinds of real bugs that need more than an operator: the search turns each green by the real command."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers.search import FIXER
from tests.fixers.red_python import PYTEST, REGISTRY, REGISTRY_TEST, UNITTEST, red_python

BUGS = {
    "one constant at two places": (
        """
        def label(amount):
            if amount < 0:
                return "n/a "
            if amount > 1000:
                return "n/a "
            return str(amount)
        """,
        ["label(-1) == 'n/a'", "label(2000) == 'n/a'", "label(3) == '3'"],
        'return "n/a"\n    return str',
    ),
    "stored to the wrong name": (
        """
        def balance(moves):
            money = peak = 0
            for move in moves:
                money += move
                if money > peak:
                    money = money
            return peak
        """,
        ["balance([5, -3, 1]) == 5", "balance([-1, -2]) == 0", "balance([1, 2, -9]) == 3"],
        "peak = money",
    ),
    "order and repetition should not matter": (
        """
        def same_members(left, right):
            return left == right
        """,
        ["same_members([1, 2], [2, 1, 1])", "not same_members([1], [2])", "same_members([], [])"],
        "set(left) == set(right)",
    ),
    "a misspelt word": (
        """
        DAYS = ("Monday", "Tuesday", "Wensday", "Thursday", "Friday")

        def number(day):
            return DAYS.index(day) + 1 if day in ("Monday", "Tuesday", "Wensday") else 0
        """,
        ["number('Wednesday') in (0, 3)", "number('Monday') == 1", "DAYS[2] == 'Wednesday'"],
        "Wednesday",
    ),
    "only a part is meant": (
        """
        def first_total(prices, count):
            return sum(price for price in prices if price > 0)
        """,
        [
            "first_total([1, 2, 3], 2) == 3",
            "first_total([1, 2, 3], 1) == 1",
            "first_total([4, -1, 7], 1) == 4",
            "first_total([], 3) == 0",
        ],
        "prices[:count]",
    ),
    "another exception": (
        """
        def quota(table, name):
            try:
                return table[name]
            except ValueError:
                return 0
        """,
        ["quota({'a': 2}, 'a') == 2", "quota({}, 'b') == 0", "quota({'a': 2}, 'b') == 0"],
        "return table[name]\n    except",
    ),
    "a forgotten visit": (
        """
        def reachable(graph, start):
            seen = set()
            pending = [start]
            for _ in range(50):
                if not pending:
                    break
                node = pending.pop()
                if node in seen:
                    continue
                pending.extend(graph.get(node, ()))
            return sorted(seen)
        """,
        [
            "reachable({1: [2], 2: [1]}, 1) == [1, 2]",
            "reachable({}, 3) == [3]",
            "reachable({1: [4]}, 1) == [1, 4]",
        ],
        "seen.add(node)",
    ),
    "all of it, not the first": (
        """
        def weight(parcels):
            return [each["kg"] for each in parcels][0]
        """,
        ["weight([{'kg': 2}, {'kg': 3}]) == 5", "weight([{'kg': 4}]) == 4", "weight([]) == 0"],
        "sum(",
    ),
    "the best so far": (
        """
        def longest_run(flags):
            best = run = 0
            for flag in flags:
                run = run + 1 if flag else 0
                best = run
            return best
        """,
        [
            "longest_run([1, 1, 0]) == 2",
            "longest_run([1, 0, 1, 1, 1, 0, 1]) == 3",
            "longest_run([1, 0]) == 1",
            "longest_run([]) == 0",
        ],
        "max(best, run)",
    ),
    "two places at once": (
        """
        def span(values):
            low = max(values)
            high = min(values)
            return (low, high)
        """,
        ["span([3, 1, 2]) == (1, 3)", "span([5, 4]) == (4, 5)", "span([7, 9, 8]) == (7, 9)"],
        "",
    ),
}


def suite(cases: list[str]) -> str:
    tests = (f"def test_{n}():\n    assert {case}\n" for n, case in enumerate(cases))
    return "from app import *\n\n\n" + "\n\n".join(tests)


@pytest.mark.parametrize("bug", BUGS)
def test_bugs_turn_green(tmp_path: Path, bug: str) -> None:
    code, cases, expected = BUGS[bug]
    with red_python(tmp_path, {"app.py": code, "test_app.py": suite(cases)}) as red:
        red.seconds = 120.0
        assert expected in red.first_green(FIXER)["app.py"]


def test_two_edits_are_tried_only_after_every_single_one(tmp_path: Path) -> None:
    code = "def box(a, b):\n    width = a + 1\n    height = b + 1\n    return width, height\n"
    cases = ["box(4, 9) == (3, 8)", "box(0, 5) == (-1, 4)"]
    with red_python(tmp_path, {"app.py": code, "test_app.py": suite(cases)}) as red:
        red.seconds = 120.0
        found = next(iter(FIXER.propose(red.state())))
        assert " + " in found.origin
        assert red.green(found)


def test_methods_with_files_and_fixtures(tmp_path: Path) -> None:
    """Only pytest can run these: they are judged in copies of a process in which they are collected."""
    files = {
        "notes/__init__.py": "",
        "notes/book.py": """
            class Book:
                def __init__(self, path):
                    self.path = path

                def add(self, line):
                    with open(self.path, "r") as file:
                        known = file.read()
                    with open(self.path, "w") as file:
                        file.write(known + line + "\\n")

                def lines(self):
                    with open(self.path) as file:
                        return [line.strip() for line in file][1:]
            """,
        "tests/test_book.py": """
            import pytest
            from notes.book import Book

            @pytest.fixture
            def book(tmp_path):
                (tmp_path / "notes.txt").touch()
                return Book(tmp_path / "notes.txt")

            def test_add(book):
                book.add("one")
                book.add("two")
                assert book.lines() == ["one", "two"]

            def test_one(book):
                book.add("x")
                assert book.lines() == ["x"]
            """,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    }
    with red_python(tmp_path, files, PYTEST) as red:
        red.seconds = 120.0
        assert "[1:]" not in red.first_green(FIXER)["notes/book.py"]


def test_a_method_under_unittest_with_set_up(tmp_path: Path) -> None:
    files = {
        "account.py": """
            class Account:
                def __init__(self, limit):
                    self.limit = limit
                    self.used = 0

                def spend(self, amount):
                    if self.used + amount > self.limit:
                        return False
                    self.limit += amount
                    return True
            """,
        "test_account.py": """
            import unittest
            from account import Account

            class TestAccount(unittest.TestCase):
                def setUp(self):
                    self.account = Account(10)

                def test_limit_holds(self):
                    self.assertTrue(self.account.spend(7))
                    self.assertFalse(self.account.spend(7))

                def test_all_of_it(self):
                    self.assertTrue(self.account.spend(10))
                    self.assertEqual(self.account.limit, 10)
            """,
    }
    with red_python(tmp_path, files, UNITTEST) as red:
        red.seconds = 120.0
        assert "self.used += amount" in red.first_green(FIXER)["account.py"]


FORGOTTEN = {
    "a row of a table that is made call by call": (
        REGISTRY,
        REGISTRY_TEST,
        'irregular("goose", "geese")\n',
    ),
    "an entry that another table has": (
        """
        WIDTHS = {"plain": 0, "grid": 2, "pipe": 1, "csv": 0}
        OVER_LINES = {"plain": "plain", "grid": "grid"}

        def layout(name, text):
            lines = text.split("|") if name in OVER_LINES else [text]
            return [" " * WIDTHS[name] + line for line in lines]
        """,
        """
        from app import layout

        def test_grid(): assert layout("grid", "a|b") == ["  a", "  b"]
        def test_csv(): assert layout("csv", "a|b") == ["a|b"]
        def test_pipe(): assert layout("pipe", "a|b") == [" a", " b"]
        """,
        '"pipe": "pipe"}',
    ),
    "a special method": (
        """
        class Tag:
            def __init__(self, name):
                self.name = name

            def __eq__(self, other):
                return isinstance(other, Tag) and self.name == other.name

            def unique(self, *others):
                return len({self, *others})
        """,
        """
        from app import Tag

        def test_equal(): assert Tag("a") == Tag("a") != Tag("b")
        def test_unique(): assert Tag("a").unique(Tag("a"), Tag("b")) == 2
        """,
        "def __hash__(self):\n        return hash(self.name)\n",
    ),
    "what is not there is left out": (
        """
        class Registry:
            def __init__(self):
                self.plugins = {}

            def block(self, name):
                self.plugins[name] = None

            def add(self, name, plugin):
                self.plugins[name] = plugin

            def all(self):
                return set(self.plugins.values())
        """,
        """
        from app import Registry

        def filled(*blocked):
            registry = Registry()
            registry.add("one", 0)
            registry.add("two", "second")
            for name in blocked:
                registry.block(name)
                assert name in registry.plugins and registry.plugins[name] is None
            return registry.all()

        def test_all(): assert filled() == {0, "second"}
        def test_blocked(): assert filled("three", "two") == {0}
        """,
        "{x for x in self.plugins.values() if x is not None}",
    ),
}


@pytest.mark.parametrize("kind", FORGOTTEN)
def test_what_was_forgotten_is_put_in(tmp_path: Path, kind: str) -> None:
    code, suite, expected = FORGOTTEN[kind]
    with red_python(tmp_path, {"app.py": code, "test_app.py": suite}) as red:
        assert expected in red.first_green(FIXER)["app.py"]
