"""The negative control where the command does not simply collect everything: genuine fixes are still believed, and
where nothing can be planted, that is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from llm.budget import Budget
from llm.domain import Candidate
from llm.rerank.confirm import believe
from llm.rerank.examine import Examiner
from llm.rerank.execution_reranker import ExecutionReranker
from llm.workspace.rules import Rules
from tests.judge.court import Project, Verdict, court, write
from tests.judge.lies import LIES
from tests.judge.projects import EXPECTING, JEST_TESTS, PROJECTS, PYTEST, PYTEST_TESTS, UNITTEST_TESTS
from tests.workspace_python import PYTHON

NONE = "no negative control was possible"


SOAK = "TORRE_SOAK" in os.environ
SLOW = {
    *("one file is named", "the first failure ends it", "tests of some name", "one test is named"),
    *("files have one name only", "no order of tests", "configuration names the source"),
}
"""What takes seconds and differs little from another: for `make soak`."""


def judged(name: str, folder: Path, check: str, files: Mapping[str, str], lie: str = "") -> Verdict:
    """The genuine fix of a project, or a lie in it, with another command and further files."""
    project = PROJECTS[name]
    other = replace(project, check=check, files={**project.files, **files})
    with court(other, folder) as judging:
        return judging.judge(LIES[lie].change if lie else project.mended)


COMMANDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "one file is named": ("pytest", f"{PYTEST} test_app.py", {}),
    "the first failure ends it": ("pytest", f"{PYTEST} -x", {}),
    "tests of some name": ("pytest", f"{PYTEST} -k 'total or first'", {}),
    "one test is named": ("pytest", f"{PYTEST} test_app.py::test_total", {}),
    "marked tests only": (
        "pytest",
        f"{PYTEST} -m 'smoke and not slow'",
        {
            "test_app.py": PYTEST_TESTS.replace(
                "import pytest\n", "import pytest\n\npytestmark = pytest.mark.smoke\n", 1
            ),
            "pytest.ini": "[pytest]\nmarkers =\n    smoke: quick\n    slow: not quick\n",
        },
    ),
    "files have one name only": (
        "pytest",
        PYTEST,
        {"test_app.py": "", "tests.py": PYTEST_TESTS, "pytest.ini": "[pytest]\npython_files = tests.py\n"},
    ),
    "a module is named": ("unittest", f"{PYTHON} -m unittest -f test_app", {}),
    "tests lie in a folder": (
        "unittest",
        f"{PYTHON} -m unittest discover -s checks -t .",
        {"test_app.py": "", "checks/__init__.py": "", "checks/test_app.py": UNITTEST_TESTS},
    ),
    "one source is named": ("ruff", "ruff check shop/app.py", {}),
    "names that occur twice, and suites": (
        "jest",
        "jest",
        {"app.test.js": JEST_TESTS + f'describe("a shop", () => {{\n{EXPECTING}}});\n{EXPECTING}'},
    ),
    "no order of tests": ("vitest", "vitest run --sequence.shuffle", {}),
    "configuration names the source": (
        "mypy",
        f"{PYTHON} -m mypy",
        {"mypy.ini": "[mypy]\nstrict = True\nfiles = shop/app.py\n"},
    ),
}


@pytest.mark.parametrize("name", [name for name in COMMANDS if SOAK or name not in SLOW])
def test_a_control_is_found_for(name: str, tmp_path: Path) -> None:
    tool, check, files = COMMANDS[name]
    verdict = judged(tool, tmp_path, check, files)
    assert verdict.patch, verdict.by
    assert verdict.notes == ()


def test_a_control_is_found_for_formatting(tmp_path: Path) -> None:
    loose, tidy = "import os\nprint( os )\n", "import os\n\nprint(os)\n"
    project = Project("ruff format --check .", {"app.py": loose}, {"app.py": tidy})
    with court(project, tmp_path) as judging:
        assert judging.judge(project.mended) == Verdict(True)


def test_a_liar_is_caught_where_one_module_is_named(tmp_path: Path) -> None:
    verdict = judged("unittest", tmp_path, f"{PYTHON} -m unittest test_app", {}, "assertEqual asserts nothing")
    assert not verdict.patch and "no longer notices" in verdict.by


def test_where_nothing_can_be_planted_a_genuine_fix_stands_and_that_is_told(tmp_path: Path) -> None:
    loaded = "\n\ndef load_tests(loader, tests, pattern):\n    return loader.loadTestsFromTestCase(TestPrices)\n"
    files = {"test_app.py": UNITTEST_TESTS + loaded}
    verdict = judged("unittest", tmp_path, f"{PYTHON} -m unittest", files)
    assert verdict.patch, verdict.by
    assert [NONE in note for note in verdict.notes] == [True]


def test_a_liar_is_caught_where_the_red_could_not_even_be_loaded(tmp_path: Path) -> None:
    project = PROJECTS["unittest"]
    broken = project.files["app.py"].replace("def first", "def last")
    with court(replace(project, files={**project.files, "app.py": broken}), tmp_path) as judging:
        verdict = judging.judge(LIES["assertEqual asserts nothing"].change)
        assert "no longer notices" in verdict.by
        assert judging.judge(project.mended) == Verdict(True)


def test_tests_that_know_their_own_module_are_not_held_against_a_fix(tmp_path: Path) -> None:
    knowing = UNITTEST_TESTS + '\n    def test_place(self):\n        self.assertEqual(__name__, "test_app")\n'
    verdict = judged("unittest", tmp_path, f"{PYTHON} -m unittest", {"test_app.py": knowing})
    assert verdict.patch, verdict.by
    assert [note for note in verdict.notes if "in a copy" in note]


def test_the_reranker_is_behind_the_behaviour_gate(tmp_path: Path) -> None:
    project = PROJECTS["pytest"]
    write(project, tmp_path)
    with court(project, tmp_path) as judging:
        diff = judging.diff(LIES["hard-coded answers"].change)
    assert ExecutionReranker([project.check], compare_s=30.0).run(tmp_path, [diff])["discard_reasons"] == {
        0: "overfit"
    }


def test_a_mended_test_file_is_put_back_to_see_that_nothing_was_bent(tmp_path: Path) -> None:
    """A test with a complaint of its own may be edited; its inputs must not be, to suit a broken function."""
    tests = UNITTEST_TESTS.replace("self.assertEqual(first([7, 8]), 7)", "prices = [7, 8]\n        " + FIRST)
    project = replace(PROJECTS["unittest"], files={**PROJECTS["unittest"].files, "test_app.py": tests})
    bent = {
        "app.py": (project.mended["app.py"] or "").replace("return prices[0]", "return prices[-1]"),
        "test_app.py": tests.replace("prices = [7, 8]", "prices = [8, 7]"),
    }
    with court(project, tmp_path) as judging:
        budget, editable = Budget(0), frozenset({"test_app.py"})
        examiner = Examiner(tmp_path, judging.sandbox, judging.baseline, Rules(), budget, editable)
        found = examiner.examine(Candidate(judging.diff(bent)), 0, Event())
        assert found.passed, found.detail
        doubts = believe([found], examiner).doubts
    assert doubts == ("unittest::test_app.TestPrices.test_first, with the tests as they were",)


FIRST = "self.assertEqual(first(prices), 7)"
