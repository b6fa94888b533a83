"""The GitLab job's own script, in a shell, on real repositories."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.ci.conftest import BROKEN, POLICY, RED, RUFF, Checkout, Files
from tests.e2e.conftest import REPOSITORY, TORRE

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def job(checkout: Checkout, tmp_path: Path, env: dict[str, str]) -> Callable[..., Done]:
    """Runs the script in a checkout of `change` on top of `base`."""
    told = yaml.safe_load((REPOSITORY / "ci" / "gitlab.yml").read_text())["torre"]
    (script,) = told["script"]

    def run(base: Files, change: Files, **variables: str) -> Done:
        work = checkout(base, change)
        token = f"https://gitlab-ci-token:secret@gitlab.example/{tmp_path.name}.git"
        origin = f"url.{tmp_path / 'origin'}.insteadOf"
        for words in (["remote", "set-url", "origin", token], ["config", origin, token]):
            subprocess.run(["git", *words], cwd=work, env=env, check=True)
        given = {
            **{name: str(value) for name, value in told["variables"].items()},
            "TORRE_COMMAND": TORRE[0],
            "CI_PROJECT_URL": "https://gitlab.example/app",
            "CI_JOB_TOKEN": "secret",
            "CI_PROJECT_DIR": str(work),
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            **variables,
        }
        command = ["sh", "-c", script]
        return subprocess.run(
            command, cwd=work, env={**env, **given}, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_it_leaves_the_proven_patch_and_no_token(job: Callable[..., Done], tmp_path: Path) -> None:
    done = job(RUFF, RED)
    assert done.returncode == 0, done.stderr
    work = tmp_path / "work"
    assert "-import os" in (work / "torre.patch").read_text()
    assert json.loads((work / "torre.json").read_text())["mode"] == "PATCH"
    assert (work / "torre.xml").read_text().startswith("<?xml")
    config = (work / ".git" / "config").read_text().replace("insteadOf = ", "")
    assert "url = https://gitlab.example/app.git" in config and "url = https://gitlab-ci-token" not in config


@pytest.mark.parametrize(
    ("base", "change", "refused"),
    [({}, {POLICY: BROKEN}, False), ({POLICY: BROKEN}, {POLICY: "allowed: []\n"}, True)],
    ids=["the fork's own is not read", "the target branch's is"],
)
def test_the_policy_is_the_target_branchs(
    job: Callable[..., Done], base: Files, change: Files, refused: bool
) -> None:
    done = job({**RUFF, **base}, {**RED, **change})
    assert done.returncode == (2 if refused else 0), done.stderr
    assert ("refs/remotes/origin/main:.torre/providers.yaml" in done.stderr) == refused


def test_a_target_branch_that_is_not_there_is_an_end(job: Callable[..., Done], tmp_path: Path) -> None:
    done = job(RUFF, RED, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="elsewhere")
    assert done.returncode != 0 and not (tmp_path / "work" / "torre.json").exists()


def test_checks_are_lines_and_data(job: Callable[..., Done], tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    done = job(RUFF, RED, TORRE_CHECKS=f"echo '$(touch {planted})'; false\n\n--version", TORRE_DEADLINE="30")
    assert done.returncode == 1, done.stderr
    checks = json.loads((tmp_path / "work" / "torre.json").read_text())["report"]["checks"]
    assert [each["command"] for each in checks] == [f"echo '$(touch {planted})'; false", "--version"]
    assert not planted.exists()
