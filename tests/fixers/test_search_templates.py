"""Templates, their order, and where they look: pure functions of texts."""

from __future__ import annotations

import ast
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.fixers.python_search import order, pairs
from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_search.ingredients import NO_WORDS, Words, siblings, words_of
from llm.fixers.python_search.locate import is_test_file, suspicion
from llm.fixers.python_search.templates import TEMPLATES

ROOT = Path(__file__).parents[2]
REAL = [ROOT / "llm" / name for name in ("plugins.py", "triage/clean.py", "fixers/python_search/locate.py")]
ODD = """
def f(a, b=[], *, key=None):
    "doc é"
    é = "ü" + a[b:-1] if a else (a - b) * (c + d)   # ä
    for i in range(len(a)): total += i
    while not é and (i < 3 or key is None):
        if x in b: break
        self.value = self.other.lower(); continue
    try: return sorted(a, key=len)[0]
    except ValueError: return f"{a!r:>{b}}"
    return (a,
            b[1:2],  # why
            -i)
"""
PLAIN = """
class C:
    def f(self, a, b=2):
        self.rate = a[1:]
        self.count = -a[0] if not b else (a + b * 2, b)
        return self.rate

def g(items=[], flag=True):
    total = 0
    items = [item for item in items]
    for item in items:
        total = total + item * 2
        items.append(item)
        if flag and item - total:
            break
        flag = item
    if total > 3 and flag:
        total -= 1
    if not flag:
        total = max(total, 3)
    print("Hello", total)
    for n in range(len(items)):
        try:
            same = items == flag
        except KeyError:
            same = n < total
    found = re.match("[a-z]+", "{total}") or g(total - n, ("ab", "cd"))
    if isinstance(found, list):
        total = 1
"""

TABLES = """
import re
PLURALS = [("mouse", "mice"), ("ox", "oxen")]
register('child', 'children')
register('man', 'men')
done = re.compile(r"(buffal|tomat)o$")
NAMES = ["suite", "stmt"]
"""
ASKING = """
@pytest.mark.parametrize("one, many", [("human", "humans"), ("potato", "potatoes"), ("child", "children")])
def test_plural(one, many): ...
"""
ASKED = words_of([ASKING], ["test_plural[human-humans]", "test_plural[potato-potatoes]"])


def everywhere(text: str) -> dict[int, float]:
    return dict.fromkeys(range(1, text.count("\n") + 2), 1.0)


def all_proposals(text: str, most: int = 4000, words: Words = NO_WORDS) -> list[order.Proposal]:
    found = order.proposals({"a.py": Source("a.py", text)}, {"a.py": everywhere(text)}, words)
    return list(islice(found, most))


@pytest.mark.parametrize("text", [ODD, ODD.replace("\n", "\r\n"), *(path.read_text() for path in REAL)])
def test_every_edit_parses_differs_is_new_and_keeps_the_rest(text: str) -> None:
    found = all_proposals(text)
    assert len(found) > 100
    before, seen = ast.dump(ast.parse(text)), set()
    for proposal in found[::7]:
        edit, after = proposal.edit, proposal.edit.apply(text)
        tree = ast.dump(ast.parse(after))
        assert tree != before
        assert tree not in seen, (proposal.template, edit)
        seen.add(tree)
        assert after[: edit.start] == text[: edit.start]
        assert after[len(after) - len(text) + edit.end :] == text[edit.end :]


def test_the_most_promising_comes_first() -> None:
    scores = [p.score for p in all_proposals(ODD)]
    assert all(first >= second for first, second in pairwise(scores))


def test_suspicion_outweighs_a_better_template() -> None:
    text = "def f(a, b):\n    x = a < b\n    y = a + b\n    return x, y\n"
    source = Source("a.py", text)
    found = order.proposals({"a.py": source}, {"a.py": {2: 0.1, 3: 1.0}})
    assert next(found).line == 3


def test_lines_without_evidence_are_left_alone() -> None:
    text = "def f(a):\n    return a + 1\n\n\ndef g(a):\n    return a + 1\n"
    found = order.proposals({"a.py": Source("a.py", text)}, {"a.py": {2: 1.0}})
    assert all(p.line <= 2 for p in found)


def test_every_template_makes_an_edit_somewhere() -> None:
    made = {p.template for p in all_proposals(PLAIN + TABLES + HOLDS, 20_000, ASKED)}
    assert {template.name for template in TEMPLATES} - made == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a, b):\n    return a * b + 1\n", "return a ** b + 1"),
        ("def f(a, b, c):\n    return a + b * c\n", "return (a + b) * c"),
        ("def f(a, b):\n    return a not in b\n", "return a in b"),
        ("def f(a, b):\n    return g(a, h(b))\n", "return g(h(b), a)"),
        ("def f(a):\n    return min(a)\n", "return max(a)"),
        ("def f(a):\n    return abs(a - 1)\n", "return a - 1"),
        ("def f(a):\n    for x in a:\n        y = x\n        return y\n", "\n    return y"),
        ("def f(a):\n    for x in a:\n        y = x\n    a.pop()\n", "\n        a.pop()"),
        ("def f(a, b):\n    a.x()\n    b.y()\n", "    b.y()\n    a.x()"),
        ("def f(a):\n    return a[0]\n", "    if not a:\n        return []\n    return a[0]"),
        ("def f(s):\n    return s == 'A'\n", "s == 'a'"),
        ("def f(s):\n    return sorted(s)\n", "sorted(s, reverse=True)"),
        ("def f(s):\n    return norm(s)\n", "norm(norm(s))"),
        ("def f(a):\n    while a:\n        break\n", "continue"),
        ("def f(a, k):\n    return sum(a)\n", "sum(a[:k])"),
        ("def f(a, b):\n    return a == b\n", "sorted(a) == sorted(b)"),
        ("def f(a):\n    x = y = 0\n    x += a\n    return y\n", "y += a"),
        ("def f(a):\n    try:\n        g()\n    except KeyError:\n        pass\n", "except IndexError:"),
        ("def f(a):\n    for i in range(len(a)):\n        g(i)\n", "range(1, len(a))"),
        ("def f(a):\n    return [n for n in a][0]\n", "return sum([n for n in a])"),
        ("def f(a):\n    if a:\n        return True\n    return False\n", "return False\n    return True"),
        ("def f(a):\n    best = 0\n    for x in a:\n        best = x\n    return best\n", "best = max(best, x)"),
        ("def f(a):\n    s = set()\n    for x in a:\n        g(x)\n    return s\n", "        s.add(x)\n"),
        ("def f(a, b):\n    for x in a:\n        b.append(x)\n", "        if x != b:\n            b.append(x)"),
        ("def f(a=[]):\n    a.append(1)\n    return a\n", "def f(a=None):\n    if a is None:\n        a = []\n"),
        ("class C:\n    def f(self):\n        self.a = 1\n        return self.b\n", "return self.a"),
        ("def f(a):\n    return 'no {a} here'\n", "return f'no {a} here'"),
        ("def f(a):\n    return ('no '\n            'such {a}')\n", "return ('no '\n            f'such {a}')"),
        ("def f(a):\n    return f'{a:.0f}/{a + 1}'\n", "{abs(a):.0f}/{a + 1}"),
        ("def f(s):\n    return re.match(r'(\\d)\\.x', s)\n", "r'(\\d+)\\.x'"),
        ("def f(s):\n    return re.match(r'[a-z]+.py', s)\n", "r'[a-z]+\\.py'"),
        ("def f(s):\n    return re.search('[a-z]+', s)\n", "'[a-z]+$'"),
        ("def f(a, b):\n    return g(a - b)\n", "g(max(0, a - b))"),
        ("def f(a):\n    return isinstance(a, list)\n", "isinstance(a, (list, tuple))"),
        (
            "class E(Exception): ...\nclass OtherError(E): ...\ndef f():\n    raise ValueError\n",
            "raise OtherError",
        ),
    ],
)
def test_known_repairs_are_among_the_edits(before: str, after: str) -> None:
    assert any(after in p.edit.apply(before) for p in all_proposals(before, 20_000))


def test_a_misspelt_string_is_what_the_tests_call_it() -> None:
    text = "def f():\n    return 'Janury'\n"
    words = words_of(["def test_f():\n    assert f() == 'January' != 'July'\n"])
    found = order.proposals({"a.py": Source("a.py", text)}, {"a.py": everywhere(text)}, words)
    assert any("'January'" in p.edit.text for p in found)
    assert not any("'January'" in p.edit.text for p in all_proposals(text))


def test_a_table_gets_what_the_tests_ask_for() -> None:
    text = "NAMES = {'html': 'html', 'latex': 'latex'}\nKINDS = ['suite', 'stmt']\n"
    words = words_of(["def test_f():\n    assert f('github') != 'Two words'\n"])
    found = [p.edit.apply(text) for p in all_proposals(text, 4000, words)]
    assert any("'latex': 'latex', 'github': 'github'}" in after for after in found)
    assert any("['suite', 'stmt', 'github']" in after for after in found)
    assert not any("'stmt', 'Two words'" in after for after in found)


def test_what_a_failing_test_is_named_after_is_tried_first() -> None:
    found = [p.edit.apply(TABLES) for p in all_proposals(TABLES, 60, ASKED)]
    for expected in (
        '("ox", "oxen"), ("human", "humans")]',
        '[("human", "humans"), ("mouse", "mice")',
        "register('man', 'men')\nregister('human', 'humans')\ndone",
        "(buffal|tomat|potat)o$",
        '["suite", "stmt", "human"]',
    ):
        assert any(expected in after for after in found), expected
    others = words_of([ASKING], ["test_something_else"])
    assert not others.rows
    first = [p.edit.apply(TABLES) for p in all_proposals(TABLES, 60, others)]
    assert not any("potat|" in after or "|potat" in after for after in first)


HOLDS = """
class Cache(Base):
    def __init__(self, most):
        self.items = {}
        self.most = most

    def __eq__(self, other):
        return self.items == other.items

@dataclass
class Pair:
    one: int
    two: int
"""


def test_a_class_hands_on_what_it_lacks() -> None:
    found = [p.edit.apply(HOLDS) for p in all_proposals(HOLDS)]
    for expected in (
        "other.items\n\n    def __iter__(self):\n        return iter(self.items)\n\n@dataclass",
        "    def __hash__(self):\n        return hash(self.items)\n",
        "two: int\n\n    def __eq__(self, other):\n        return isinstance(other, Pair) and self.one == ",
    ):
        assert any(expected in after for after in found), expected
    assert not any("hash(self.one)" in after for after in found)  # compared by identity, and hashed by it


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("TypeError: unhashable type: 'Cache'", "return hash(self.items)"),
        ("TypeError: 'Cache' object is not iterable", "return iter(self.items)"),
        ("TypeError: object of type 'Cache' has no len()", "return len(self.items)"),
        ("TypeError: 'Cache' object is not subscriptable", "return self.items[key]"),
        ("TypeError: argument of type 'Cache' is not iterable", "return item in self.items"),
    ],
)
def test_what_the_tests_ran_into_comes_first(said: str, expected: str) -> None:
    first = all_proposals(HOLDS, 12, words_of([], said=[said]))
    assert expected in next(p for p in first if p.template == "hand on a special method").edit.text
    assert not any(p.template == "hand on a special method" for p in all_proposals(HOLDS, 4))


def test_a_name_that_would_be_bound_for_nobody_comes_late() -> None:
    text = "def f(goal, items):\n    return [g(item) for item in items if goal]\n"
    texts = [p.edit.apply(text) for p in all_proposals(text, 20_000)]
    places = {name: next(n for n, t in enumerate(texts) if f"[g({name})" in t) for name in ("goal", "items")}
    used = "def f(goal, items):\n    return [g(item) for item in items if goal and item]\n"
    others = [p.edit.apply(used) for p in all_proposals(used, 20_000)]
    assert all(
        place > next(n for n, t in enumerate(others) if f"[g({name})" in t) for name, place in places.items()
    )


def test_what_is_compared_with_itself_comes_late() -> None:
    text = "def f(a, b, c):\n    return a in b\n"
    found = all_proposals(text, 20_000)
    scores = [next(p.score for p in found if each in p.edit.apply(text)) for each in ("a in c\n", "a in a\n")]
    assert scores[1] < 0.2 * scores[0]


def test_a_loop_that_ends_by_what_it_returns_goes_on() -> None:
    """`while name:` would end without a value."""
    loop = "def f(a):\n    while True:\n        if a.b is None:\n            return False\n        a = a.b\n"
    last, going_on = all_proposals(loop, 20_000), all_proposals(loop + "    return a\n", 20_000)
    scores = [next(p.score for p in found if "while a:" in p.edit.apply(loop)) for found in (last, going_on)]
    assert scores[0] < 0.5 * scores[1]


def test_what_may_not_be_there_is_asked_for_first() -> None:
    text = "def f(a):\n    if a.b is None:\n        return False\n    return a.b\n"
    found = [p.edit.apply(text) for p in all_proposals(text, 20_000)]
    assert any("if a is None or (a.b is None):" in after for after in found)
    assert not any("a.b is None) or a is None" in after for after in found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a):\n    return set(a.values())\n", "{x for x in a.values() if x is not None}"),
        ("def f(a):\n    return sum(a)\n", "sum(x for x in a if x is not None)"),
        ("def f(a):\n    return [b for b in a]\n", "[b for b in a if b is not None]"),
        ("def f(a):\n    return {b for b in a if b or a}\n", "if (b or a) and b is not None}"),
        ("def f(a):\n    seen = set()\n    return g(a in seen)\n", "seen.add(a)"),
    ],
)
def test_what_was_forgotten_is_among_the_first(before: str, after: str) -> None:
    assert any(after in p.edit.apply(before) for p in all_proposals(before, 150))


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    return 'no {a}'.format(a=a)\n",
        "def f(a):\n    return 'no {b}'\n",
        "def f(a):\n    return 'no {{a}}'\n",
        "def f(a):\n    return b'no {a}'\n",
    ],
)
def test_what_is_filled_otherwise_is_no_f_string(text: str) -> None:
    assert not any(p.template == "make it an f-string" for p in all_proposals(text, 20_000))


def test_pairs_begin_with_what_came_further() -> None:
    text = "def f(a, b):\n    x = a + 1\n    y = b - 1\n    return x, y\n"
    source = {"a.py": Source("a.py", text)}
    singles = all_proposals(text, 200)
    usual, further = pairs.Reach(0, 3, "AssertionError"), pairs.Reach(0, 5, "AssertionError")
    good = next(p for p in singles if p.edit.apply(text).count("x = a - 1"))
    tried = [pairs.Tried(p, (further if p is good else usual).worth(usual)) for p in singles]
    found = list(islice(pairs.pairs(source, {"a.py": everywhere(text)}, tried), 400))
    assert "x = a - 1" in found[0].edit.apply(text)
    assert any("x = a - 1\n    y = b + 1" in p.edit.apply(text) for p in found)
    for pair in found:
        ast.parse(pair.edit.apply(text))
    assert len({p.edit.apply(text) for p in found}) == len(found)


def test_siblings_are_mutual() -> None:
    table = siblings()
    assert all(name in table[other] for name, others in table.items() for other in others)


def test_ochiai_and_tracebacks() -> None:
    tests: dict[str, dict[str, Any]] = {
        "t::bad": {
            "status": "failed",
            "error": "KeyError",
            "trace": [["test_a.py", 3], ["a.py", 2], ["a.py", 9]],
            "lines": {"a.py": [1, 2, 9], "test_a.py": [3]},
        },
        "t::good": {"status": "passed", "error": "", "trace": [], "lines": {"a.py": [1], "b.py": [4]}},
    }
    found = suspicion(tests)
    assert set(found) == {"a.py"}
    assert found["a.py"][9] == found["a.py"][2] == 1.0
    assert found["a.py"][1] == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("path", ["tests/x.py", "a/test_b.py", "conftest.py", "b_test.py", "a/tests.py"])
def test_the_judge_is_not_searched(path: str) -> None:
    assert is_test_file(path)
    assert not is_test_file("latest/attestation.py")


@given(st.text(alphabet="aé€😀\n\r\f\x0b x=1", max_size=30), st.integers(0, 40))
def test_spans_point_at_the_right_characters(prefix: str, number: int) -> None:
    text = f"'''{prefix}'''; name = {number}  # é\n"
    source = Source("a.py", text)
    node = source.tree.body[1]
    assert source.segment(node) == f"name = {number}"
    assert Edit(*source.span(node), "x").apply(text).endswith("'''; x  # é\n")


def test_each_of_several_indices_is_a_bound_as_a_single_one_is() -> None:
    def score(text: str) -> float:
        wanted = ast.dump(ast.parse(text.replace("j]", "j - 1]")))
        found = order.single_edits("a.py", text, {2: 1.0})
        return next(p.score for p in found if ast.dump(ast.parse(p.edit.apply(text))) == wanted)

    assert score("def f(a, i, j):\n    return a[i, j]\n") == score("def f(a, i, j):\n    return a[j]\n")


def test_an_inner_function_has_the_names_of_the_outer_one() -> None:
    text = "def f(a):\n    seen = set()\n    def g(b):\n        return b in seen\n    return g(a)\n"
    made = {p.edit.apply(text) for p in order.single_edits("a.py", text, {4: 1.0})}
    assert text.replace("        return", "        seen.add(b)\n        return") in made
    assert text.replace("b in", "a in") in made


def test_a_pattern_gets_one_more_word_of_the_tests() -> None:
    text = 'RULES = [(r"(?i)(buffal|tomat)o$", "oes")]\n'
    source = Source("a.py", text)
    made = {
        p.edit.apply(text) for p in order.proposals({"a.py": source}, {"a.py": {1: 1.0}}, Words(("potato", "cat")))
    }
    assert text.replace("tomat)", "tomat|potat)") in made
    assert not any("|cat" in each for each in made)


def test_a_raw_string_stays_raw() -> None:
    text = 'DIGIT = r"\\d-"\n'
    made = {
        p.edit.apply(text) for p in order.single_edits("a.py", text, {1: 1.0}) if p.template == "change a string"
    }
    assert 'DIGIT = r"\\d_"\n' in made
    assert 'DIGIT = r"\\d"\n' in made
    assert all(ast.parse(each) for each in made)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("    return [n + 1 for n in rest]", "    return rest + [n + 1 for n in rest]"),
        ("    total = len(rest) + first", "    total = size + first"),
        ("    seen[first, 0] = rest[first]", "    rest[first] = rest[first]"),
        ("    total = rest + size", "    total = size + rest"),
        ("    done += rest", "    done = rest + done"),
        ("    if rest.full: seen(rest.level)", "    if rest.level: seen(rest.level)"),
        ("    while rest:\n        rest.pop()", "    while rest:\n        rest.pop()\n    done.append(first)"),
    ],
)
def test_an_edit_of_more_than_a_sign(line: str, fixed: str) -> None:
    text = f"def f(first, rest, seen, size):\n    done = []\n{line}\n"
    made = {p.edit.apply(text) for p in order.single_edits("a.py", text, {3: 1.0})}
    assert text.replace(line, fixed) in made
