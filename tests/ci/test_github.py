"""The Action's script, run as a runner would on real repositories."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.ci.conftest import BROKEN, POLICY, RED, RUFF, Checkout, Files
from tests.e2e.conftest import REPOSITORY, TORRE


@dataclass(frozen=True)
class Step:
    """How the step ended."""

    exit_code: int
    stdout: str
    stderr: str
    outputs: Mapping[str, str]
    summary: str


Run = Callable[..., Step]


@pytest.fixture
def run(checkout: Checkout, tmp_path: Path, env: dict[str, str]) -> Run:
    """The step in a checkout of `change` on top of `base`."""

    def step(base: Files, change: Files, git: tuple[str, ...] = (), **variables: str) -> Step:
        work, runner = checkout(base, change), tmp_path / "runner"
        if git:
            subprocess.run(["git", *git], cwd=work, check=True, env=env)
        runner.mkdir()
        given = {
            "RUNNER_TEMP": str(runner),
            "GITHUB_OUTPUT": str(runner / "output"),
            "GITHUB_STEP_SUMMARY": str(runner / "summary"),
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_BASE_REF": "main",
            "TORRE": TORRE[0],
            **{f"TORRE_INPUT_{name}": "" for name in ("CHECKS", "POLICY_FROM")},
            **{"TORRE_INPUT_PATH": ".", "TORRE_INPUT_MAX_SECONDS": "30", "TORRE_INPUT_DEADLINE": "120"},
            **{"TORRE_INPUT_FAIL": "true", **variables},
        }
        script = ["bash", str(REPOSITORY / "ci" / "github.sh")]
        done = subprocess.run(
            script, cwd=work, env={**env, **given}, capture_output=True, text=True, timeout=120, check=False
        )
        summary = runner / "summary"
        told = summary.read_text() if summary.exists() else ""
        return Step(done.returncode, done.stdout, done.stderr, _outputs(runner / "output"), told)

    return step


def _outputs(file: Path) -> dict[str, str]:
    """The file as the runner reads it."""
    found = re.findall(r"^([a-z-]+)<<(.+)\n((?:.*\n)*?)\2\n", file.read_text(), re.M)
    return {name: value.rstrip("\n") for name, _, value in found}


def test_a_red_pull_request_gets_a_proven_patch(run: Run) -> None:
    step = run(RUFF, RED)
    assert step.exit_code == 0, step.stdout + step.stderr
    assert step.outputs["mode"] == "PATCH" and step.outputs["exit-code"] == "0" and step.outputs["trace-id"]
    assert "-import os" in Path(step.outputs["patch"]).read_text()
    assert set(step.outputs) == set(yaml.safe_load((REPOSITORY / "action.yml").read_text())["outputs"])
    for name in ("sarif", "rdjson", "junit", "json"):
        assert Path(step.outputs[name]).stat().st_size
    assert "::error file=app.py,line=1,col=8,title=ruff/F401::" in step.stdout
    assert "```diff" in step.summary and "GREEN in" in step.summary.replace("\\", "")


@pytest.mark.parametrize(
    ("base", "change", "refused"),
    [({}, {POLICY: BROKEN}, False), ({POLICY: BROKEN}, {POLICY: "allowed: []\n"}, True)],
    ids=["the fork's own is not read", "the base branch's is"],
)
def test_the_policy_is_the_base_branchs(run: Run, base: Files, change: Files, refused: bool) -> None:
    step = run({**RUFF, **base}, {**RED, **change})
    assert step.exit_code == (2 if refused else 0), step.stderr
    assert ("refs/remotes/origin/main:.torre/providers.yaml" in step.stderr) == refused


def test_without_that_the_forks_policy_would_hold(run: Run) -> None:
    step = run(RUFF, {**RED, POLICY: BROKEN}, GITHUB_BASE_REF="", GITHUB_EVENT_NAME="push")
    assert step.exit_code == 2 and "alowed" in step.stderr


def test_a_base_branch_that_cannot_be_had_is_an_end(run: Run) -> None:
    step = run(RUFF, RED, GITHUB_BASE_REF="elsewhere")
    assert step.exit_code == 2 and "fetch-depth: 0" in step.stdout and step.outputs == {"exit-code": "2"}


def test_a_token_in_the_checkout_is_refused(run: Run) -> None:
    config = ("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic eA==")
    step = run(RUFF, RED, config)
    assert step.exit_code == 2 and "persist-credentials: false" in step.stdout


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run"])
def test_events_that_bring_secrets_to_forks_are_refused(run: Run, event: str) -> None:
    step = run(RUFF, RED, GITHUB_EVENT_NAME=event)
    assert step.exit_code == 2 and "use pull_request" in step.stdout


def test_inputs_are_data(run: Run, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    hostile = f'.; touch {planted} $(touch {planted}) `touch {planted}` "'
    step = run(RUFF, RED, TORRE_INPUT_PATH=hostile)
    assert step.exit_code == 2 and not planted.exists() and "does not exist" in step.stderr
    assert run_is_quiet_about_commands(step.stdout)


def test_the_projects_own_output_obeys_nobody(run: Run) -> None:
    checks = "echo '::error::forged'; echo '::add-mask::x'; false\n\n  \n--version"
    step = run(RUFF, RED, TORRE_INPUT_CHECKS=checks, TORRE_INPUT_FAIL="false", TORRE_INPUT_MAX_SECONDS="0")
    assert step.exit_code == 0 and step.outputs["exit-code"] == "1" and step.outputs["mode"] == "ADVISORY"
    assert run_is_quiet_about_commands(step.stdout)
    assert "forged" in step.stdout  # it is told, as data


def run_is_quiet_about_commands(stdout: str) -> bool:
    """Whether no command that is not ours would be obeyed: ours are annotations that name Torre or a tool."""
    stopped = re.sub(r"::stop-commands::(\S+)\n.*?::\1::\n", "", stdout, flags=re.S)
    lines = [line for line in stopped.splitlines() if line.lstrip().startswith("::")]
    return all(re.match(r"::(error|warning|notice) (file=[^:]*,)?(line=[^:]*,)?title=", line) for line in lines)
