"""`--policy-from REF`: the policy of a commit, read with real git, in place of the working tree's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llm.errors import PolicyError
from llm.providers.policy import ProvidersPolicy
from tests.e2e.conftest import TORRE

GPT, LOCAL = "openai/gpt-4o", "local/qwen2.5-7b"
POLICY = Path(".torre", "providers.yaml")


def git(place: Path, env: dict[str, str], *words: str) -> None:
    subprocess.run(["git", *words], cwd=place, env=env, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, env: dict[str, str]) -> Path:
    """`base` allows one lane; the working tree, a commit later, would like all of them."""
    place = tmp_path / "repository"
    (place / ".torre").mkdir(parents=True)
    git(place, env, "init", "--quiet")
    for text, tag in ((f"allowed: [{LOCAL}]\n", "base"), (f"allowed: [{LOCAL}, {GPT}]\n", "head")):
        (place / POLICY).write_text(text)
        git(place, env, "add", "--all", "--force")
        git(place, env, "commit", "--quiet", "--message", tag)
        git(place, env, "tag", tag)
    return place


def allowed(root: Path, env: dict[str, str], commit: str = "") -> tuple[str, ...]:
    return ProvidersPolicy(root, {**env, "TORRE_POLICY_FROM": commit}).allowed


def test_the_commits_policy_stands_for_the_working_trees(repository: Path, env: dict[str, str]) -> None:
    assert allowed(repository, env) == (LOCAL, GPT)
    assert allowed(repository, env, "base") == allowed(repository, env, "HEAD~1") == (LOCAL,)
    assert allowed(repository, env, "head") == (LOCAL, GPT)
    known = {
        ProvidersPolicy(repository, {**env, "TORRE_POLICY_FROM": ref}).policy.hash for ref in ("base", "head")
    }
    assert len(known) == 2  # the trace tells which one held


def test_a_commit_without_a_policy_has_none_whatever_lies_in_the_tree(
    repository: Path, env: dict[str, str]
) -> None:
    git(repository, env, "rm", "--quiet", "--cached", str(POLICY))
    git(repository, env, "commit", "--quiet", "--message", "none")
    (repository / POLICY).write_text("nonsense: 1\n")
    assert GPT in allowed(repository, env, "HEAD")
    with pytest.raises(PolicyError, match="nonsense"):
        allowed(repository, env)


def test_the_policy_of_a_part_of_the_repository_is_its_own(repository: Path, env: dict[str, str]) -> None:
    part = repository / "part"
    (part / ".torre").mkdir(parents=True)
    (part / POLICY).write_text("allowed: []\n")
    git(repository, env, "add", "--all", "--force")
    git(repository, env, "commit", "--quiet", "--message", "part")
    (part / POLICY).unlink()
    assert allowed(part, env, "HEAD") == ()
    assert GPT in allowed(part, env, "base")  # which has no policy there


@pytest.mark.parametrize("commit", ["nowhere", "--help", "-p", "base:nothing", "base^{tree}"])
def test_what_is_no_commit_is_never_no_limits(repository: Path, env: dict[str, str], commit: str) -> None:
    with pytest.raises(PolicyError, match="is not a commit"):
        allowed(repository, env, commit)


def test_no_repository_is_never_no_limits(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match="not a git repository"):
        allowed(tmp_path, env, "HEAD")


def test_a_link_is_not_a_policy(repository: Path, env: dict[str, str]) -> None:
    (repository / POLICY).unlink()
    (repository / POLICY).symlink_to("/etc/passwd")
    git(repository, env, "commit", "--quiet", "--all", "--message", "link")
    with pytest.raises(PolicyError, match="is not a file"):
        allowed(repository, env, "HEAD")


def test_a_broken_policy_of_a_commit_is_named_by_it(repository: Path, env: dict[str, str]) -> None:
    (repository / POLICY).write_text("alowed: []\n")
    git(repository, env, "commit", "--quiet", "--all", "--message", "broken")
    git(repository, env, "checkout", "--quiet", "base", "--", str(POLICY))
    with pytest.raises(PolicyError, match=r"HEAD:\.torre/providers\.yaml:1.*alowed"):
        allowed(repository, env, "HEAD")


def test_reading_it_runs_nothing_of_the_repositorys(repository: Path, env: dict[str, str], tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.smudge", "diff.x.textconv"):
        git(repository, env, "config", name, f"touch {planted}; cat")
    (repository / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    assert allowed(repository, env, "base") == (LOCAL,)
    assert not planted.exists()
    git(repository, env, "status")  # the attack is real: git by itself does run it
    assert planted.exists()


def test_the_command_line_takes_it_for_everything_that_reads_the_policy(
    repository: Path, env: dict[str, str]
) -> None:
    def fix(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*TORRE, "fix", *arguments, "--check", "true", str(repository)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)

    (repository / POLICY).write_text("alowed: []\n")
    assert fix().returncode == 2
    assert fix("--policy-from", "base").returncode == 0
    unset = fix("--policy-from", "")
    assert unset.returncode == 2 and "expected a commit" in unset.stderr
