"""Twins of tests: only those that must fail if they come to their end, and text that is still what it was else."""

from __future__ import annotations

import pytest

from llm.checks.twins import failing, harmless

PLAIN = """\
def test_one():
    left = [
        1,
    ]
    assert (
        left == [1]
    ), "one"


class TestTwo:
    @pytest.mark.parametrize("n", [1])
    def test_in(self, n):
        with raises(KeyError): {}[n]
"""
NAMES = frozenset({("test_one",), ("TestTwo", "test_in")})


def run(text: str, name: str) -> object:
    scope: dict[str, object] = {"pytest": pytest, "raises": pytest.raises}
    exec(text, scope)
    test = scope[name]
    assert callable(test)
    return test()


def test_a_twin_fails_at_the_end_or_at_the_last_claim() -> None:
    (raising, all_of_them), (turned, claiming) = failing(PLAIN, NAMES, "word")
    assert set(all_of_them) == NAMES and claiming == (("test_one",),)
    with pytest.raises(AssertionError, match="word"):
        run(raising, "test_one")
    with pytest.raises(AssertionError, match="one"):
        run(turned, "test_one")


def test_a_harmless_end_changes_nothing() -> None:
    text = harmless(PLAIN, NAMES, "word")
    assert text.count('assert "word"') == 2
    run(text, "test_one")


@pytest.mark.parametrize(
    "test",
    [
        "def test_it():\n    if 1:\n        return\n    assert 0\n",
        "def test_it(): assert 1\n",
        "@raises(KeyError)\ndef test_it():\n    {}[1]\n",
        "async def test_it():\n    assert 1\n",
        "@skipping\nclass It:\n    def test_it(self):\n        assert 1\n",
        "def test_it(:\n",
        "if 1:\n    def test_it():\n        assert 1\n",
    ],
)
def test_what_may_pass_without_coming_to_its_end_has_no_twin(test: str) -> None:
    names = frozenset({("test_it",), ("It", "test_it")})
    assert list(failing(test, names, "word")) == []
    assert harmless(test, names, "word") == test


def test_tabs_semicolons_and_other_encodings_are_kept() -> None:
    text = 'def test_it():\n\tname = "ä"; assert name == "ä"'
    for bent, _ in failing(text, frozenset({("test_it",)}), "word"):
        with pytest.raises(AssertionError):
            run(bent, "test_it")
