"""What passes the tests is compared beyond them: alike, different, or special-cased for the tests' own inputs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm.behaviour.changed import adds_rows, rows_in
from llm.rerank.select import select
from tests.behaviour.conftest import Gate, edits
from tests.fixers.red_python import UNITTEST

LARGEST = """def largest(xs):
    best = xs[0]
    for x in xs:
        if x < best:
            best = x
    return best
"""
LARGEST_TEST = """from app import largest

def test_it():
    assert largest([3, 9, 4]) == 9
    assert largest([5, 2]) == 5
"""

FIB = """def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + a
    return a
"""
FIB_TEST = """from app import fib

def test_it():
    assert fib(0) == 0
    assert fib(6) == 8
    assert fib(7) == 13
"""


def test_candidates_that_do_the_same_in_other_words_are_one_kind(gated: Gate) -> None:
    found = gated(LARGEST, LARGEST_TEST, *edits(LARGEST, "x < best", ["x > best", "best < x", "x >= best"]))
    assert found.reasons == ["passed"] * 3
    assert found.kinds == 1, found.evaluations[0].distinguishing
    assert not found.selection.ambiguous


def test_candidates_that_differ_beyond_the_tests_are_ambiguous_and_the_input_is_told(gated: Gate) -> None:
    app = "def clip(n, top):\n    if n > 10:\n        return n\n    return n\n"
    tests = "from app import clip\n\ndef test_it():\n"
    tests += "    assert clip(12, 10) == 10\n    assert clip(3, 10) == 3\n"
    found = gated(
        app,
        tests,
        *edits(app, "> 10:\n        return n", ["> top:\n        return top", "> 10:\n        return 10"]),
    )
    assert found.reasons == ["passed"] * 2
    assert found.selection.ambiguous
    assert found.selection.winner is not None
    told = found.selection.winner.distinguishing
    assert "clip(" in told and "returns" in told and "candidate 1" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "body",
    [
        "    if n == 6: return 8\n    if n == 7: return 13\n",
        "    return {0: 0, 6: 8, 7: 13}[n]\n",
        "    if n in (6, 7): return [8, 13][n - 6]\n",
        "    if hash(str(n * 7)) and 5 < n < 8: return 8 if n < 7 else 13\n",
    ],
)
def test_an_answer_that_is_written_down_is_overfit(gated: Gate, body: str) -> None:
    found = gated(FIB, FIB_TEST, FIB.replace("    a, b = 0, 1\n", body + "    a, b = 0, 1\n"))
    assert found.reasons == ["overfit"], found.said
    assert "fib(6)" in found.evaluations[0].detail or "fib(7)" in found.evaluations[0].detail


PLURAL = """ODD = {"child": "children"}

def plural(word):
    return ODD.get(word, word + "s")
"""
PLURAL_TEST = """from app import plural

def test_it():
    assert plural("potato") == "potatoes"
    assert plural("child") == "children"
    assert plural("cat") == "cats"
"""


def test_a_row_that_the_test_has_word_for_word_is_not_proven_by_that_test(gated: Gate) -> None:
    """The row that was forgotten, or the test learnt by heart: nothing here can tell. A rule comes before it."""
    row = edits(PLURAL, '"children"}', ['"children", "potato": "potatoes"}'])
    rule = edits(PLURAL, 'word + "s"', ['word + ("es" if word.endswith("o") else "s")'])
    found = gated(PLURAL, PLURAL_TEST, *row, *rule)
    assert found.reasons == ["passed"] * 2
    assert [e.recites for e in found.evaluations] == ["('potato', 'potatoes')", ""]
    assert found.selection.winner is not None and found.selection.winner.index == 1
    assert select(found.evaluations[:1]).ambiguous
    assert not select([replace(e, recites="") for e in found.evaluations[:1]]).ambiguous, "the control"


@pytest.mark.parametrize("new", ['{"cat": "cats"}', '{"child": "children"}', '{"potato": "?"}'])
def test_what_no_test_says_or_the_program_said_before_is_not_recited(new: str) -> None:
    before, after = {"app.py": PLURAL}, {"app.py": PLURAL.replace('{"child": "children"}', new)}
    asked = rows_in([PLURAL_TEST])
    assert bool(adds_rows(before, after) & asked) is (new == '{"cat": "cats"}')
    inside = PLURAL + f"\ndef names():\n    return {new}\n"
    assert not adds_rows(before, {"app.py": inside}) & asked, "what a function answers is measured"


def test_a_constant_answer_is_overfit(gated: Gate) -> None:
    tests = "from app import fib\n\ndef test_it():\n    assert fib(6) == 8\n"
    found = gated(FIB, tests, FIB.replace("return a\n", "return 8\n"), FIB.replace("a + a", "a + b"))
    assert found.reasons == ["overfit", "passed"]


@pytest.mark.parametrize(
    "prefix",
    [
        "class Any:\n    def __eq__(self, other): return True\n    def __hash__(self): return 1\n",
        "from unittest.mock import ANY\nAny = lambda: ANY\n",
        "Any = type('Any', (int,), {'__eq__': lambda s, o: True})\n",
    ],
)
def test_an_object_that_equals_everything_is_overfit(gated: Gate, prefix: str) -> None:
    found = gated(FIB, FIB_TEST, prefix + FIB.replace("return a\n", "return Any()\n"))
    assert found.reasons == ["overfit"], found.said
    assert "equal" in found.evaluations[0].detail


def test_a_class_of_the_program_may_be_returned_although_it_compares_by_value(gated: Gate) -> None:
    app = (
        "from dataclasses import dataclass\n\n@dataclass\nclass Point:\n    x: int\n    y: int\n\n"
        "def flip(p):\n    return Point(p.x, p.x)\n"
    )
    tests = "from app import Point, flip\n\n"
    tests += "def test_it():\n    assert flip(Point(1, 2)) == Point(2, 1)\n"
    tests += "    assert flip(Point(5, 7)) == Point(7, 5)\n    assert flip(Point(4, 9)) == Point(9, 4)\n"
    assert gated(app, tests, app.replace("p.x, p.x", "p.y, p.x")).reasons == ["passed"]


def test_reading_the_tests_is_overfit(gated: Gate) -> None:
    cheat = FIB.replace(
        "    a, b = 0, 1\n", "    open(__file__.replace('app', 'test_app')).read()\n    a, b = 0, 1\n"
    )
    found = gated(FIB, FIB_TEST, cheat.replace("a + a", "a + b"), FIB.replace("a + a", "a + b"))
    assert found.reasons == ["overfit", "passed"]
    assert "test_app.py" in found.evaluations[0].detail


def test_none_for_false_is_refused(gated: Gate) -> None:
    app = "def even(n):\n    if n % 2 == 1:\n        return True\n    return False\n"
    tests = (
        "from app import even\n\ndef test_it():\n    assert even(2)\n    assert even(8)\n    assert not even(3)\n"
    )
    none = "def even(n):\n    if n % 2 == 0:\n        return True\n"
    found = gated(app, tests, none, app.replace("== 1", "== 0"))
    assert found.reasons == ["overfit", "passed"]
    assert "NoneType" in found.evaluations[0].detail


def test_none_is_fine_where_the_tests_ask_for_it(gated: Gate) -> None:
    app = "def find(xs, x):\n    for n, each in enumerate(xs):\n        if each == x:\n"
    app += "            return n\n    return -1\n"
    tests = "from app import find\n\ndef test_it():\n"
    tests += "    assert find([4, 5, 6], 6) == 2\n    assert find([4, 5], 9) is None\n"
    assert gated(app, tests, app.replace("return -1", "return None")).reasons == ["passed"]


STACK = """class Stack:
    def __init__(self):
        self.items = []
        self.count = 0

    def push(self, x):
        self.items.append(x)
        self.count = 0
        return self.count
"""
STACK_TEST = """from app import Stack

def test_it():
    stack = Stack()
    assert stack.push(4) == 1
    assert stack.push(5) == 2
"""


def test_methods_are_compared_with_the_state_they_leave(gated: Gate) -> None:
    changes = ["self.count += 1", "self.count = len(self.items)", "self.count = self.count + 1"]
    found = gated(
        STACK,
        STACK_TEST,
        *edits(STACK, "        self.count = 0\n        return", [f"        {c}\n        return" for c in changes]),
    )
    assert found.reasons == ["passed"] * 3
    assert found.kinds == 1, found.said


def test_records_are_varied_field_by_field(gated: Gate) -> None:
    """With the tests' own two articles alone, both would behave alike."""
    app = "from dataclasses import dataclass\n\n@dataclass\nclass Article:\n    price: int\n    stock: int\n\n"
    app += "def worth(a):\n    return a.price + a.stock\n"
    tests = "from app import Article, worth\n\ndef test_it():\n"
    tests += "    assert worth(Article(3, 3)) == 9\n    assert worth(Article(1, 1)) == 1\n"
    changes = ["a.price * a.stock", "a.price ** 2"]
    found = gated(app, tests, *edits(app, "a.price + a.stock", changes))
    assert found.selection.ambiguous
    assert "Article(" in found.evaluations[0].distinguishing


def test_calls_that_cannot_be_copied_are_counted(gated: Gate) -> None:
    app = "def put(xs, out=None):\n    xs = xs + xs\n    return out(xs) if out else sorted(xs)\n"
    tests = "from app import put\n\ndef test_it():\n    assert put([2, 1]) == [1, 2]\n"
    tests += "    class Same:\n        def __call__(self, xs): return xs\n"
    tests += "    assert put([3], Same()) == [3]\n    assert put([5, 4, 6]) == [4, 5, 6]\n"
    found = gated(app, tests, app.replace("xs = xs + xs", "xs = xs + []"))
    assert "1 calls could not be copied" in found.said[-1]


def test_what_happens_to_arguments_counts(gated: Gate) -> None:
    app = "def ordered(xs):\n    return list(xs)\n"
    tests = "from app import ordered\n\ndef test_it():\n    assert ordered([3, 1, 2]) == [1, 2, 3]\n"
    found = gated(app, tests, *edits(app, "return list(xs)", ["return sorted(xs)", "xs.sort()\n    return xs"]))
    assert found.selection.ambiguous
    assert "arguments" in found.evaluations[0].distinguishing


def test_what_cannot_be_copied_is_not_measured(gated: Gate) -> None:
    app = "def twice(f, n):\n    return f(n)\n"
    tests = "from app import twice\n\ndef test_it():\n"
    tests += "    class Next:\n        def __call__(self, n): return n + 1\n"
    tests += "    assert twice(Next(), 3) == 5\n"
    found = gated(app, tests, app.replace("f(n)", "f(f(n))"), "def twice(f, n):\n    return 5\n")
    assert found.reasons == ["passed"] * 2
    assert [e.behaviour for e in found.evaluations] == ["", ""]
    assert "not measured (their arguments cannot be copied)" in found.said[0]


def test_a_hang_beyond_the_tests_is_a_difference_and_costs_little(gated: Gate) -> None:
    found = gated(
        FIB,
        FIB_TEST,
        FIB.replace("a + a", "a + b"),
        FIB.replace("    a, b = 0, 1\n", "    while n > 8: pass\n    a, b = 0, 1\n").replace("a + a", "a + b"),
    )
    assert found.selection.ambiguous
    assert "hangs" in found.evaluations[0].distinguishing or "hangs" in found.evaluations[1].distinguishing


def test_exceptions_on_what_the_original_refuses_too_tell_nobody_apart(gated: Gate) -> None:
    app = "def mean(xs):\n    total = 0\n    for x in xs:\n"
    app += "        total += x\n    return total / (len(xs) * 2)\n"
    tests = (
        "from app import mean\n\ndef test_it():\n    assert mean([1, 2, 3]) == 2\n    assert mean([4, 8]) == 6\n"
    )
    changes = [
        "return sum(xs) / len(xs)",
        "import statistics; return float(statistics.mean(xs))",
        "return 1 / (len(xs) / total) if total else xs[0] * 0.0 / len(xs)",
    ]
    found = gated(app, tests, *edits(app, "return total / (len(xs) * 2)", changes))
    assert found.reasons == ["passed"] * 3
    assert not found.selection.ambiguous, found.evaluations[0].distinguishing


def test_an_exception_that_the_tests_expect_is_an_answer(gated: Gate) -> None:
    app = "def root(n):\n    if n < -9:\n        raise ValueError(n)\n    return n // 2\n"
    tests = "import pytest\nfrom app import root\n\ndef test_it():\n"
    tests += "    assert root(4) == 2\n    with pytest.raises(ValueError):\n        root(-3)\n"
    found = gated(app, tests, *edits(app, "n < -9", ["n < 0", "n < -1"]))
    assert found.selection.ambiguous
    assert "raises ValueError" in "".join(e.distinguishing for e in found.evaluations)


def test_a_guard_for_nothing_is_a_genuine_fix(gated: Gate) -> None:
    app = "def first(xs, default):\n    return xs[0]\n"
    tests = (
        "from app import first\n\ndef test_it():\n    assert first([], 3) == 3\n    assert first([5, 6], 3) == 5\n"
    )
    found = gated(
        app, tests, "def first(xs, default):\n    if not xs:\n        return default\n    return xs[0]\n"
    )
    assert found.reasons == ["passed"]
    assert found.evaluations[0].behaviour


WORDS = "def title(text):\n    return text.capitalize()\n"
WORDS_TEST = """import unittest
from app import title

class TestTitle(unittest.TestCase):
    def test_it(self):
        self.assertEqual(title("war and peace"), "War and Peace")
        self.assertEqual(title("the old man"), "The Old Man")
        self.assertEqual(title("x"), "X")
"""
WORDS_FIX = """SMALL = {"and", "of"}


def title(text):
    words = text.split()
    made = []
    for word in words:
        if word in SMALL and made:
            made.append(word)
        else:
            made.append(word.capitalize())
    return " ".join(made)
"""


def test_a_fix_of_many_lines_passes_and_unittest_is_understood(gated: Gate) -> None:
    found = gated(WORDS, WORDS_TEST, WORDS_FIX, command=UNITTEST)
    assert found.reasons == ["passed"], found.evaluations[0].detail
    assert found.evaluations[0].behaviour, found.said


def test_without_time_nothing_is_measured_and_the_verdicts_stay(gated: Gate) -> None:
    found = gated(FIB, FIB_TEST, FIB.replace("a + a", "a + b"), seconds=0.0)
    assert found.reasons == ["passed"] and "not measured" in found.said[0]


@pytest.mark.parametrize(("seconds", "compared"), [(None, True), (5.0, False)])
def test_slow_tests_or_slow_machines_are_given_more_time(
    gated: Gate, seconds: float | None, compared: bool
) -> None:
    tests = "__import__('time').sleep(2.5)\n" + FIB_TEST
    found = gated(FIB, tests, FIB.replace("a + a", "a + b"), seconds=seconds)
    assert bool(found.evaluations[0].behaviour) == compared, found.said
