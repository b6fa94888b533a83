"""The gate in a whole run: unanimous is PATCH, divergent is ADVISORY until the user accepts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from llm.domain import Event, Mode, RepairRequest, Run
from llm.pipeline import repair
from llm.report.contract import as_contract
from tests.fixers.red_python import REGISTRY, REGISTRY_TEST
from tests.workspace_python import PYTHON

TRACE_ID = "6f1f4c9e-0000-4000-8000-000000000001"
AGE = "def is_adult(age):\n    return age > 18\n"
LOOSE = "from app import is_adult\n\ndef test_it():\n    assert is_adult(18)\n    assert is_adult(30)\n"
STRICT = LOOSE + "    assert not is_adult(17)\n    assert not is_adult(2)\n    assert is_adult(50)\n"


def fixed(folder: Path, tests: str, accept: bool = False, variables: str = "") -> tuple[Run, list[str]]:
    (folder / "app.py").write_text(AGE)
    (folder / "test_app.py").write_text(tests)
    lines: list[str] = []

    def listen(event: Event) -> None:
        lines.extend([str(event.data["line"])] if event.kind == "progress" else [])

    request = RepairRequest(
        trace_id=TRACE_ID,
        workspace=folder,
        checks=(f"{variables}{PYTHON} -m pytest -q",),
        max_seconds=15.0,
        accept_ambiguous=accept,
    )
    return repair(request, listen), lines


def test_guesses_that_agree_are_proven(tmp_path: Path) -> None:
    run, lines = fixed(tmp_path, STRICT)
    assert run.mode is Mode.PATCH, run.summary
    assert any("1 kinds" in line for line in lines), lines
    assert run.selection.winner is not None and run.selection.winner.distinguishing == ""


def test_they_are_compared_where_pytest_loads_no_plugins_too(tmp_path: Path) -> None:
    """xdist is installed here: an option of a plugin that is not loaded would be refused, and nothing measured."""
    _, lines = fixed(tmp_path, STRICT, variables="PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 ")
    assert any("1 kinds" in line for line in lines), lines


def test_guesses_that_disagree_are_shown_with_the_input_that_tells_them_apart(tmp_path: Path) -> None:
    run, _ = fixed(tmp_path, LOOSE)
    assert run.mode is Mode.ADVISORY and run.exit_code == 1
    answer = as_contract(run)
    assert answer["ambiguous"] is True and answer["diff"]
    assert "is_adult(" in answer["report"]["winner"]["distinguishing"]
    assert "is_adult(" in answer["report"]["summary"]
    assert len({e["behaviour"] for e in answer["report"]["tried"] if e["passed"]}) > 1


def test_whoever_accepts_ambiguity_gets_the_first(tmp_path: Path) -> None:
    run, _ = fixed(tmp_path, LOOSE, accept=True)
    assert run.mode is Mode.PATCH and run.exit_code == 0
    assert as_contract(run)["ambiguous"] is True


def test_a_row_that_a_test_says_word_for_word_is_shown_and_taken_when_accepted(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(REGISTRY)
    (tmp_path / "test_app.py").write_text(REGISTRY_TEST)
    check = f"{PYTHON} -m pytest -q"
    request = RepairRequest(TRACE_ID, workspace=tmp_path, checks=(check,), max_seconds=15.0)
    run = repair(request)
    assert run.mode is Mode.ADVISORY and "word for word: ('goose', 'geese')" in run.summary
    assert '+irregular("goose", "geese")' in as_contract(run)["diff"]
    assert repair(replace(request, accept_ambiguous=True)).mode is Mode.PATCH
