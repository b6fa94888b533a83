"""What is done with a patch on the user's files stands in the trace of its run, with who asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from llm.apply.plan import Proof
from llm.apply.telling import ASKED_BY
from llm.apply.transaction import Terms, apply_plan
from llm.apply.undo import undo
from llm.domain import ApplyStatus, Check
from llm.kept.board.filters import Filter
from llm.kept.board.overview import overview
from llm.kept.board.trace import Changed, trace
from llm.ledger.home import open_figures, open_traces
from tests.apply.projects import GREEN, ID, RED, RULES, make, plan

Env = Mapping[str, str]
TERMS = Terms(RULES)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def project(tmp_path: Path, env: Env) -> Path:
    root = make(tmp_path / "project")
    with closing(open_traces(root, env)) as traces:
        traces.begin(ID, str(root))
    return root


def _changes(project: Path, env: Env) -> tuple[Changed, ...]:
    with open_figures(project, env) as figures:
        return trace(figures, ID).changes


def test_an_apply_and_its_undo_are_noted(project: Path, env: Env) -> None:
    assert apply_plan(plan(project, GREEN), env, TERMS).status is ApplyStatus.APPLIED
    undo(project, {**env, ASKED_BY: "7f3a90c1"}, RULES)
    assert [(each.what, each.by) for each in _changes(project, env)] == [
        ("applied", "cli"),
        ("undone", "7f3a90c1"),
    ]


def test_a_roll_back_is_noted_with_its_reason(project: Path, env: Env) -> None:
    assert apply_plan(plan(project, RED), env, TERMS).status is ApplyStatus.ROLLED_BACK
    (change,) = _changes(project, env)
    assert change.what == "rolled_back" and "on the real files" in change.reason
    with open_figures(project, env) as figures:
        assert overview(figures, Filter(change.at - 3600, change.at + 1)).totals.rolled_back == 1


def test_no_secret_is_noted(project: Path, env: Env) -> None:
    token = "ghp_" + "Zx81kQw0Lm" * 3 + "aB3dE4"
    apply_plan(plan(project, Proof(Check(f"check {token}", "grep -q old app.py"))), env, TERMS)
    (change,) = _changes(project, env)
    assert "check" in change.reason and token not in change.reason


def test_a_run_that_is_not_kept_is_applied_all_the_same(tmp_path: Path, env: Env) -> None:
    root = make(tmp_path / "other")
    assert apply_plan(plan(root, GREEN), env, TERMS).status is ApplyStatus.APPLIED
    assert not (root / ".torre" / "traces.sqlite").exists()


def test_a_trace_that_cannot_be_had_is_told_and_undoes_nothing(
    project: Path, env: Env, caplog: pytest.LogCaptureFixture
) -> None:
    (project / ".torre" / "traces.sqlite").write_bytes(b"not a database" * 100)
    assert apply_plan(plan(project, GREEN), env, TERMS).status is ApplyStatus.APPLIED
    assert f"the trace of run {ID} does not say applied" in caplog.text
