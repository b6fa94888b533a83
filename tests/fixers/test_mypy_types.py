"""Complaints of mypy are answered by annotations, guards and conversions that mypy itself has tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.fixers.type_errors import FIXER
from tests.fixers.red_python import red_python
from tests.workspace_python import PYTHON

MYPY = f"{PYTHON} -m mypy --strict app.py"

SHOP = """
from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass
class Price:
    amount: int
    currency: str | None = None


def find(prices: dict[str, Price], name: str) -> Price | None:
    return prices.get(name)


def total(prices: list[Price]) -> int:
    return sum(price.amount for price in prices)
"""

APART = {
    "a member of what may be None": (
        "def amount(prices: dict[str, Price]) -> int:\n    price = find(prices, 'tea')\n    return price.amount\n",
        "    assert price is not None\n    return price.amount\n",
    ),
    "a member of a call that may give None": (
        "def digits(text: str) -> str:\n    return re.match(r'\\d+', text).group()\n",
        "assert match_value is not None",
    ),
    "a return value that may be None": (
        "def cheap(prices: dict[str, Price]) -> Price:\n    return find(prices, 'tea')\n",
        "-> Price | None:",
    ),
    "a missing return": (
        "def dear(price: Price) -> bool:\n    if price.amount > 10:\n        return True\n",
        "    return None\n",
    ),
    "a collection of unknown things": (
        "class Shop:\n    def __init__(self) -> None:\n        self.seen = []\n\n"
        "    def see(self, price: Price) -> None:\n        self.seen.append(price.currency or 'EUR')\n",
        "self.seen: list[str] = []",
    ),
    "a variable of two types": (
        "def code(price: Price) -> object:\n    found = price.amount\n    if price.currency:\n"
        "        found = price.currency\n    return found\n",
        "found: int | str = price.amount",
    ),
}
TOGETHER = {
    "an implicit optional": (
        "def label(price: Price, suffix: str = None) -> str:\n    return f'{price.amount}{suffix or str()}'\n",
        "suffix: str | None = None",
    ),
    "a wrong return type": (
        "def first(prices: list[Price]) -> str:\n    return prices[0].amount\n",
        "def first(prices: list[Price]) -> int:",
    ),
    "no annotations": (
        "def show(price: Price, wide=False):\n    print(price, wide)\n",
        "def show(price: Price, wide: bool = False) -> None:",
    ),
    "a mark that nothing needs": (
        "def double(price: Price) -> int:\n    return price.amount * 2  # type: ignore[operator]  # twice\n",
        "    return price.amount * 2  # twice\n",
    ),
    "a built-in function as a type": (
        "def apply(change: callable, price: Price) -> None:\n    change(price)\n",
        "change: Callable",
    ),
    "a narrower override": (
        "class Offer(Price):\n    def __eq__(self, other: Price) -> bool:\n        return True\n",
        "other: object",
    ),
}


@pytest.mark.parametrize("case", APART)
def test_mypy_falls_silent(tmp_path: Path, case: str) -> None:
    added, expected = APART[case]
    with red_python(tmp_path, {"app.py": f"{SHOP}\n\n{added}"}, MYPY) as red:
        after = red.first_green(FIXER)["app.py"]
    assert expected in after
    assert "type: ignore" not in after and "cast(" not in after


def test_complaints_that_have_nothing_to_do_with_one_another_are_one_step(tmp_path: Path) -> None:
    text = "\n\n".join([SHOP, *(added for added, _ in TOGETHER.values())])
    with red_python(tmp_path, {"app.py": text}, MYPY) as red:
        first = next(iter(FIXER.propose(red.state())))
        assert red.green(first)
        after = red.texts(first)["app.py"]
    assert first.prior > 0.5, "annotations alone are no guess: the program runs as before"
    assert [expected for _, expected in TOGETHER.values() if expected not in after] == []


def test_many_complaints_of_one_kind_are_one_step(tmp_path: Path) -> None:
    text = "".join(f"def f{n}(x: int = None) -> None: ...\n\n\n" for n in range(30))
    with red_python(tmp_path, {"app.py": text}, MYPY) as red:
        first = next(iter(FIXER.propose(red.state())))
        assert red.green(first)
        assert red.texts(first)["app.py"].count("x: Optional[int] = None") == 30


def test_a_parameter_of_another_file_is_widened(tmp_path: Path) -> None:
    files = {
        "app.py": "from lib import shout\n\nprint(shout(None))\n",
        "lib.py": "def shout(text: str) -> str:\n    return (text or '').upper()\n",
    }
    with red_python(tmp_path, files, MYPY) as red:
        after = red.first_green(FIXER)
    assert "text: Optional[str]" in after["lib.py"] and "from typing import Optional" in after["lib.py"]


def test_two_files_and_two_kinds_in_one_candidate(tmp_path: Path) -> None:
    files = {
        "app.py": "import lib\n\n\ndef twice(text: str = None) -> int:\n    return lib.count(text or '')\n",
        "lib.py": "def count(text: str) -> str:\n    return len(text)\n",
    }
    with red_python(tmp_path, files, f"{MYPY} lib.py") as red:
        after = red.first_green(FIXER)
    assert after["lib.py"].startswith("def count(text: str) -> int:")
    assert "text: Optional[str] = None" in after["app.py"]


def test_a_guard_that_makes_the_code_unreachable_is_no_answer(tmp_path: Path) -> None:
    """mypy would be silent after `assert nothing is not None`, for it does not look at what cannot run."""
    text = "nothing: None = None\n\n\ndef use() -> int:\n    return nothing.real\n"
    guarded = text.replace("    return", "    assert nothing is not None\n    return")
    with red_python(tmp_path, {"app.py": text}, MYPY) as red:
        assert red.run({"app.py": guarded.encode()}).green, "the attack does not work"
        assert "assert nothing is not None" not in "".join(c.diff for c in FIXER.propose(red.state()))


def test_what_cannot_be_told_is_not_suppressed(tmp_path: Path) -> None:
    with red_python(tmp_path, {"app.py": "import no_such_library_at_all\n"}, MYPY) as red:
        assert list(FIXER.propose(red.state())) == []


def test_mypy_behind_a_shell_line(tmp_path: Path) -> None:
    files = {"app.py": "def f(x: int = None) -> None: ...\n"}
    with red_python(tmp_path, files, f"true && {MYPY}") as red:
        assert "Optional[int]" in red.first_green(FIXER)["app.py"]
