"""n-best by execution, on a real workspace with real tests: who wins, and why each of the others lost."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from llm.budget import Budget
from llm.checks.baseline import reproduce
from llm.checks.discover import discover
from llm.checks.run import run_check
from llm.domain import Candidate
from llm.errors import InputError
from llm.rerank.examine import Examiner
from llm.rerank.execution_reranker import ExecutionReranker
from llm.sandbox import open_sandbox
from llm.workspace.diff import make_diff
from llm.workspace.rules import Rules

RED = "def total(prices):\n    return sum(prices) - 1\n\n\ndef count(prices):\n    return len(prices)\n"
TESTS = """\
from basket import count, total


def test_total():
    assert total([1, 2]) == 3


def test_total_of_nothing():
    assert total([]) == 0


def test_count():
    assert count([1, 2]) == 2
"""
CHECK = "python3 -m pytest -q"


def change(old: str, new: str, path: str = "basket.py", text: str = RED) -> str:
    assert old in text
    return make_diff({path: text}, {path: text.replace(old, new)})


GREEN = change("sum(prices) - 1", "sum(prices)")
CANDIDATES: dict[str, tuple[str, str | None]] = {
    "right": (GREEN, None),
    "the same with other spaces": (change("sum(prices) - 1", "sum( prices )"), "duplicate"),
    "wrong": (change("- 1", "- 2"), "checks_red"),
    "mends one, breaks another": (
        change("- 1\n\n\ndef count(prices):\n    return len(prices)", "\n\n\ndef count(prices):\n    return 0"),
        "checks_red",
    ),
    "half": (change("- 1", "- bool(prices) * 0 - (not prices)"), "checks_red"),
    "edits the tests": (change("== 3", "== 2", "test_basket.py", TESTS), "tampering"),
    "deletes the tests": (make_diff({"test_basket.py": TESTS}, {"test_basket.py": None}), "tampering"),
    "changes how tests are found": (make_diff({}, {"pytest.ini": "[pytest]\naddopts = --co\n"}), "tampering"),
    "touches CI": (make_diff({}, {".github/workflows/ci.yml": "on: push\n"}), "protected_path"),
    "leaves the workspace": (GREEN.replace("basket.py", "../basket.py"), "path_escape"),
    "is no diff": ("I would subtract nothing here.", "invalid_diff"),
    "changes nothing": ("--- a/basket.py\n+++ b/basket.py\n", "invalid_diff"),
    "hangs": (change("return sum(prices) - 1", "while prices is not None: pass"), "timeout"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("basket")
    (place / "basket.py").write_text(RED)
    (place / "test_basket.py").write_text(TESTS)
    return place


@pytest.fixture(scope="module")
def answer(workspace: Path) -> dict[str, Any]:
    return ExecutionReranker([CHECK]).run(workspace, [diff for diff, _ in CANDIDATES.values()])


@pytest.mark.parametrize("name", CANDIDATES)
def test_each_candidate_has_its_verdict(answer: dict[str, Any], name: str) -> None:
    index, reason = list(CANDIDATES).index(name), CANDIDATES[name][1]
    verdict = answer["candidates"][index]
    if reason == "duplicate" or name == "right":  # the two run side by side: whoever is first is executed
        assert verdict["reason"] in (None, "duplicate")
    else:
        assert verdict["reason"] == reason, verdict["detail"]


def test_the_winner_is_the_one_that_passed_and_its_diff_is_the_diff(answer: dict[str, Any]) -> None:
    winner = answer["winner"]
    assert answer["selected_index"] == winner["index"] and winner["passed"]
    assert "sum(" in winner["diff"] and "- 1" not in winner["diff"].split("+++")[1].split("+    ")[1]
    assert len(winner["fail_to_pass"]) == 2 and answer["doubts"] == []


def test_what_breaks_a_green_test_is_named(answer: dict[str, Any]) -> None:
    broken = answer["candidates"][list(CANDIDATES).index("mends one, breaks another")]
    assert [item.endswith("::test_count") for item in broken["newly_failing"]] == [True]


def test_the_workspace_is_untouched(workspace: Path, answer: dict[str, Any]) -> None:
    assert (workspace / "basket.py").read_text() == RED and (workspace / "test_basket.py").read_text() == TESTS


def test_nothing_is_selected_when_nothing_passes(workspace: Path) -> None:
    answer = ExecutionReranker([CHECK]).run(workspace, [change("- 1", "- 3"), "nonsense"])
    assert answer["selected_index"] is None and answer["winner"] is None
    assert answer["discard_reasons"] == {0: "checks_red", 1: "invalid_diff"}


def test_k_bounds_what_is_evaluated(workspace: Path) -> None:
    answer = ExecutionReranker([CHECK]).run(workspace, [Candidate("nonsense"), {"diff": GREEN}], k=1)
    assert len(answer["candidates"]) == 1 and answer["selected_index"] is None


def test_a_green_workspace_selects_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    assert ExecutionReranker([CHECK]).run(tmp_path, [GREEN])["why"] == "nothing was red"


@pytest.mark.parametrize(
    ("candidate", "k", "field"), [({"patch": "x"}, None, "candidates[0].diff"), (GREEN, 0, "k")]
)
def test_bad_input_names_the_field(workspace: Path, candidate: Any, k: int | None, field: str) -> None:
    with pytest.raises(InputError) as caught:
        ExecutionReranker([CHECK]).run(workspace, [candidate], k)
    assert caught.value.field == field


TOOL = make_diff({}, {"tool.sh": "#!/bin/sh\ntest -s done\n"}, {"tool.sh"})
DONE = make_diff({}, {"done": "yes\n"})


def test_a_new_file_is_executable_where_the_diff_says_so(tmp_path: Path) -> None:
    (tmp_path / "done").write_text("yes\n")
    plain = TOOL.replace("100755", "100644")
    answer = ExecutionReranker(["test -x tool.sh && ./tool.sh"]).run(tmp_path, [plain, TOOL])
    assert answer["discard_reasons"] == {0: "checks_red"} and answer["selected_index"] == 1


def test_what_is_kept_as_progress_stays_executable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    with open_sandbox(tmp_path) as sandbox:
        checks = discover(tmp_path, ["test -x tool.sh && ./tool.sh"])
        baseline = reproduce(checks, lambda check, stop: run_check(check, sandbox, tmp_path, cancel=stop))
        examiner = Examiner(tmp_path, sandbox, baseline, Rules(), Budget(30.0))
        first = examiner.examine(Candidate(TOOL), 0, Event())
        second = examiner.examine(Candidate(DONE), 1, Event(), examiner.kept(first.candidate))
    assert not first.passed and second.passed, second.detail
    assert "new file mode 100755" in second.candidate.diff


def test_no_negative_control_is_told_where_there_can_be_none(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("import app\nassert app.ONE == 1\n")
    (tmp_path / "app.py").write_text("ONE = 2\n")
    diff = change("2", "1", "app.py", "ONE = 2\n")
    answer = ExecutionReranker(["python3 check.py"]).run(tmp_path, [diff])
    assert answer["selected_index"] == 0
    assert answer["notes"] == [
        "python3 check.py: no negative control was possible: nothing could be planted that it must report"
    ]


NOT_WRITTEN = "a file cannot be written in the sandbox: [Errno 13] Permission denied:"


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ([], {"selected_index": 0}),
        (["lib"], {"reason": "invalid_diff", "detail": f"{NOT_WRITTEN} 'lib/basket.py'"}),
        (["tests"], {"selected_index": 0}),
        (["tests", "tests/test_basket.py"], {"doubt": f"for pytest: {NOT_WRITTEN} 'tests/test_basket.py'"}),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_told_and_is_no_red_check(
    tmp_path: Path, closed: list[str], told: dict[str, Any]
) -> None:
    """Such a candidate was told to break all tests, which had not been run. Who is not root has the view's files
    written whatever their own modes say: nothing is told then, and the fix is proven."""
    told = told if os.geteuid() == 0 else {"selected_index": 0}
    for path, text in (("lib/basket.py", RED), ("tests/test_basket.py", TESTS)):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    (tmp_path / "lib" / "basket.py").chmod(0o444)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = lib\n")
    for path in closed:
        (tmp_path / path).chmod(0o555)
    answer = ExecutionReranker([CHECK]).run(tmp_path, [change("- 1", "", "lib/basket.py")])
    found = {"selected_index": answer["selected_index"], **answer["candidates"][0]}
    found["doubt"] = " ".join(answer["doubts"]).removeprefix("no failure can be planted ")
    assert {name: found[name] for name in told} == told
    assert (found["selected_index"] is None) is ("selected_index" not in told)


def test_the_isolation_that_is_asked_for_is_had(workspace: Path) -> None:
    answer = ExecutionReranker([CHECK], isolation="strong").run(workspace, [GREEN])
    assert (answer["selected_index"], answer["winner"]["isolation"]) == (0, "strong")
    with pytest.raises(InputError, match=r"isolation: .*strong, full, reduced.*'none'"):
        ExecutionReranker([CHECK], isolation="none")
