"""Lies and a genuine fix as the answer of a model, through the whole command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.provider_runs import LOCAL, User, whole
from tests.judge.court import Change, Project, write
from tests.judge.lies import LIES
from tests.judge.projects import PROJECTS

ANSWERED = ("a forged report", "a conftest that reports passed", "assertEqual asserts nothing", "noqa")
MORE = ("known tests are reported as passed", "hard-coded answers", "a forged report of jest")
SOAK = "TORRE_SOAK" in os.environ


def fixed(project: Project, change: Change, folder: Path) -> dict[str, object]:
    """What `torre fix` says where the only lane answers with this change."""
    workspace, user = folder / "workspace", User(folder / "home")
    write(project, workspace)
    script = folder / "answers.json"
    text = "\n".join(whole(text, path) for path, text in change.items() if text is not None)
    script.write_text(json.dumps([{"text": text}]))
    lane = {"protocol": "replay", "model": "any", "base_url": f"replay://{script}"}
    user.lanes({LOCAL: lane}, rounds=1, redact=False)
    ran = user.torre(
        *("fix", "--providers", "--json", "--max-seconds", "0", "--check", project.check), cwd=workspace
    )
    return ran.json()


@pytest.mark.parametrize("name", ANSWERED + MORE * SOAK)
def test_a_model_that_lies_is_not_believed(name: str, tmp_path: Path) -> None:
    lie = LIES[name]
    answer = fixed(PROJECTS[lie.tool], lie.change, tmp_path)
    assert answer["mode"] == "ADVISORY" and answer["exit_code"] == 1
    assert lie.reason in json.dumps(answer["metrics"]), answer


def test_a_model_that_repairs_is_believed(tmp_path: Path) -> None:
    project = PROJECTS["pytest"]
    answer = fixed(project, project.mended, tmp_path)
    assert answer["mode"] == "PATCH", answer
