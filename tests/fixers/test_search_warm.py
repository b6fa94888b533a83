"""The warm process judges edits it is handed: right ones, wrong ones, hanging and greedy ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from llm.fixers.python_search import warm
from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.interpreter import launch_of
from llm.fixers.python_search.order import Proposal
from tests.fixers.red_python import PYTEST, UNITTEST, Red, red_python

CODE = "CALLS = []\n\ndef double(n):\n    CALLS.append(n)\n    return n + 1\n"
WRONG = "n + 2"
SLOW = "next(x for x in iter(int, 1))"
GREEDY = "bytearray(1 << 36) and 4"
LEAK = "[bytearray(1 << 24) for _ in iter(int, 1)]"
DIES = "__import__('os').kill(__import__('os').getpid(), 9)"
QUITS = "exit(0)"
PAIR = "2 * n if CALLS == [n] else 0"
RIGHT = "2 * n"
SUITES = {
    PYTEST: "import app\n\ndef test_it():\n    assert app.double(3) == 6\n",
    UNITTEST: """
        import unittest
        import app

        class TestApp(unittest.TestCase):
            def test_it(self):
                self.assertEqual(app.double(3), 6)
        """,
}


def judged(red: Red, expressions: list[str]) -> tuple[list[str], warm.Tally]:
    """The expressions that the warm process finds plausible, and the tally."""
    start = CODE.index("n + 1")
    texts = {"app.py": CODE}

    def supply(tests: Mapping[str, Any]) -> Iterator[Proposal]:
        return (Proposal("app.py", Edit(start, start + 5, text), "given", 5, 1.0) for text in expressions)

    state = red.state()
    launch = launch_of(red.check, red.sandbox)
    assert launch is not None
    talk = warm.Conversation(supply)
    job = warm.job_for(launch, state.baseline[0], red.workspace, texts, 60.0, talk, Event())
    warm.converse(red.sandbox, job, talk).join()
    found = iter(lambda: talk.plausible(1.0), None)
    return [p.edit.text for p in found if p is not None], talk.tally


@pytest.mark.parametrize("command", [PYTEST, UNITTEST])
def test_only_the_right_ones_pass_and_no_child_harms_another(tmp_path: Path, command: str) -> None:
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": SUITES[command]}, command) as red:
        found, tally = judged(red, [WRONG, PAIR, SLOW, GREEDY, LEAK, DIES, QUITS, RIGHT])
    assert sorted(found) == sorted([PAIR, RIGHT])
    assert tally.killed >= 2
    assert tally.why_not == ""


def test_the_code_that_is_judged_is_the_candidates(tmp_path: Path) -> None:
    """Control: with the edit that changes nothing, the same tests are red."""
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": SUITES[PYTEST]}) as red:
        found, tally = judged(red, ["n + 1", RIGHT])
    assert found == [RIGHT]
    assert tally.tried == 2
