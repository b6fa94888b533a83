"""The warm process judges edits it is handed: right ones, wrong ones, hanging and greedy ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from llm.checks.python import failing, launch_of
from llm.fixers.python_search import warm
from llm.fixers.python_search.edits import Edit
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


def judged(
    red: Red, expressions: list[str], patience: int = 1, heard: warm.Heard = lambda proposal, reach, usual: None
) -> tuple[list[str], warm.Tally]:
    """The expressions that the warm process finds plausible in the place of `n + 1`, and the tally; for the last
    one it has this much `patience`."""
    texts = {"app.py": red.files["app.py"]}
    start = texts["app.py"].index("n + 1")

    def supply(tests: Mapping[str, Any]) -> Iterator[Proposal]:
        for place, text in enumerate(expressions, 1):
            edit = Edit(start, start + 5, text)
            yield Proposal("app.py", edit, "given", 5, 1.0, patience if place == len(expressions) else 1)

    state = red.state()
    launch = launch_of(red.check, red.sandbox)
    assert launch is not None
    talk, result = warm.Conversation(supply, texts, heard), state.baseline[0]
    job = warm.job_for(launch, result, red.workspace, failing(result), 60.0, talk, Event())
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


@pytest.mark.parametrize(("patience", "early"), [(20, True), (1, False)])
def test_what_is_asked_once_more_is_judged_before_all_that_waits(
    tmp_path: Path, patience: int, early: bool
) -> None:
    """Behind three hundred others it would have to wait for the hanging ones among them."""
    heard: list[str] = []
    waiting = [f"{SLOW} + {n}" for n in range(60)]
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": SUITES[PYTEST]}) as red:
        judged(red, [*waiting, WRONG], patience, lambda proposal, reach, usual: heard.append(proposal.edit.text))
    assert (heard.index(WRONG) < 20) is early


POISON = "[setattr(__import__('math'), 'floor', len), n][1]"
ENVIRON = "[__import__('os').environ.update(HOME='gone'), n][1]"


def test_what_one_leaves_behind_in_a_shared_process_spoils_no_other(tmp_path: Path) -> None:
    """`math.floor` broken by the first would make all after it red; so would the environment."""
    suite = "import app, math, os\nHOME = os.environ.get('HOME')\n\n"
    suite += (
        "def test_it():\n    assert math.floor(app.double(3)) == 6 and os.environ.get('HOME') == HOME != 'gone'\n"
    )
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": suite}) as red:
        found, tally = judged(red, [WRONG, POISON, WRONG, ENVIRON, WRONG, RIGHT, "n * 2"])
    assert sorted(found) == sorted([RIGHT, "n * 2"])
    assert tally.tried == 7


NEEDS_PYTEST = """
    import app, pytest

    if not hasattr(pytest, "times"):
        pytest.times = 0

    @pytest.mark.parametrize("number", [3, 5])
    def test_plain(number):
        assert app.double(number) == pytest.times * number

    def test_with_a_fixture(tmp_path, twice):
        (tmp_path / "told").write_text(str(app.double(7)))
        assert sum(range(1 << 20))  # the slowest, and so the last, though it is the one that pytest runs
        assert (tmp_path / "told").read_text() == twice
    """
CONFTEST = """
    import pytest

    def pytest_configure(config):
        pytest.times = 2

    @pytest.fixture
    def twice():
        return "14"
    """
HOOK = """
    def pytest_runtest_setup(item):
        pytest.times = 2

    def pytest_runtest_teardown(item):
        del pytest.times
    """


@pytest.mark.parametrize(
    "conftest", [CONFTEST, CONFTEST.replace("= 2", "= 0") + HOOK], ids=["set up", "around each"]
)
def test_what_pytest_sets_up_is_there_for_tests_that_are_called_without_it(tmp_path: Path, conftest: str) -> None:
    """Without it they fail just as they do with it, so that their failing alike says nothing; and then no right
    candidate is found. Once it was a matter of luck: of which test had been the quickest."""
    files = {"app.py": CODE, "test_app.py": NEEDS_PYTEST, "conftest.py": conftest}
    with red_python(tmp_path, files) as red:
        found, tally = judged(red, [WRONG, SLOW, "2 * n if n != 7 else 0", DIES, RIGHT, "n * 2"])
    assert sorted(found) == sorted([RIGHT, "n * 2"])
    assert tally.tried == 6


def test_a_long_line_of_the_report_costs_no_more_than_its_length() -> None:
    """40 MB without an end came in 64 KiB chunks, each time joined and looked through anew."""
    talk = warm.Conversation(lambda _: iter(()), {})
    began = time.process_time()
    for _ in range(640):
        assert talk(b"x" * (1 << 16)) is None
    assert time.process_time() - began < 1.0
    assert talk(b'\n{"event": "give_up", "why": "done"}\n') is None
    assert talk.tally.why_not == "done"


def test_an_event_may_come_in_any_pieces() -> None:
    talk = warm.Conversation(lambda _: iter(()), {})
    for byte in b'{"event": "give_up", "why": "piece by piece"}\n[1]\nno json\n':
        talk(bytes([byte]))
    assert talk.tally.why_not == "piece by piece"
