"""With git: neither the index nor a commit is touched, unless `--commit`, which commits exactly these files."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import pytest

from llm.apply.lock import standing
from llm.apply.plan import Proof
from llm.apply.transaction import Terms, apply_plan
from llm.apply.undo import undo
from llm.domain import ApplyStatus, Check
from llm.errors import ApplyError
from llm.report.applied import applied_as_text
from tests.apply.projects import GREEN, ID, NEW, RULES, plan, tree

Env = Mapping[str, str]
TERMS, COMMITTING = Terms(RULES), Terms(RULES, commit=True)
_WHO = ("-c", "user.name=A Developer", "-c", "user.email=dev@example.org")


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *_WHO, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(project: Path, env: Env, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, committed but for one staged file and one that git does not know."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A Developer")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "dev@example.org")
    git(project, "init", "--quiet", "--initial-branch=main")
    (project / ".gitignore").write_text(".torre/\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    (project / "staged.txt").write_text("the user's own work\n")
    (project / "kept.txt").write_text("staged change\n")
    git(project, "add", "staged.txt", "kept.txt")
    (project / "unknown.txt").write_text("not added\n")
    return project


def test_without_commit_neither_index_nor_head_move(repository: Path, env: Env) -> None:
    index, head = (repository / ".git/index").read_bytes(), git(repository, "rev-parse", "HEAD")
    apply_plan(plan(repository, GREEN), env, TERMS)
    assert (repository / ".git/index").read_bytes() == index and git(repository, "rev-parse", "HEAD") == head
    undo(repository, env, RULES)
    assert (repository / ".git/index").read_bytes() == index


def test_commit_takes_exactly_the_touched_files(repository: Path, env: Env) -> None:
    staged = git(repository, "diff", "--cached")
    applied = apply_plan(plan(repository, GREEN), env, COMMITTING)
    assert applied.commit == git(repository, "rev-parse", "HEAD").strip()
    assert set(git(repository, "show", "--format=", "--name-only").splitlines()) == set(NEW)
    assert git(repository, "log", "-1", "--format=%(trailers:key=Torre-Trace,valueonly)").strip() == ID
    assert git(repository, "diff", "--cached") == staged
    assert "?? unknown.txt" in git(repository, "status", "--short")
    assert git(repository, "diff", "--name-only") == ""
    assert git(repository, "rev-parse", "HEAD:app.py") == git(repository, "hash-object", "app.py")


def test_undo_leaves_the_commit_and_says_so(repository: Path, env: Env) -> None:
    """History is the user's: what is taken back are the files, which then differ from the commit."""
    before, head = tree(repository), git(repository, "rev-parse", "HEAD")
    applied = apply_plan(plan(repository, GREEN), env, COMMITTING)
    undone = undo(repository, env, RULES)
    assert undone.commit == applied.commit == git(repository, "rev-parse", "HEAD").strip() != head.strip()
    assert tree(repository) == before
    differs = git(repository, "status", "--short", "--untracked-files=all", "--", *NEW)
    assert {line[3:] for line in differs.splitlines()} == set(NEW)
    apply_plan(plan(repository, GREEN), env, TERMS)
    assert undo(repository, env, RULES).commit == "", "none was made of that one"


def test_undo_tells_a_person_which_commit_stays(repository: Path, env: Env) -> None:
    from argparse import Namespace

    from llm.commands import undo as command

    applied = apply_plan(plan(repository, GREEN), env, COMMITTING)
    said = command.run(Namespace(path=str(repository))).text
    assert f"commit {applied.commit[:12]} stays" in said
    assert "A commit of it stays" in command.HELP


def test_no_hook_of_the_repository_runs(repository: Path, env: Env, tmp_path: Path) -> None:
    mark, hooks = tmp_path / "ran", repository / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-commit", "prepare-commit-msg", "reference-transaction", "fsmonitor"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        (hooks / name).chmod(0o755)
    git(repository, "config", "core.hooksPath", "hooks")
    git(repository, "config", "core.fsmonitor", "hooks/fsmonitor")
    assert apply_plan(plan(repository), env, COMMITTING).commit
    assert not mark.exists()
    git(repository, "commit", "--quiet", "--message", "control: git itself runs them", "staged.txt")
    assert {"pre-commit", "post-commit", "fsmonitor"} <= set(mark.read_text().split())


def test_a_filter_of_the_repository_is_refused(repository: Path, env: Env, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (repository / ".gitattributes").write_text("*.py filter=evil\n")
    git(repository, "config", "filter.evil.clean", f"touch {mark}; cat")
    before = tree(repository)
    with pytest.raises(ApplyError, match="filter 'evil'"):
        apply_plan(plan(repository), env, COMMITTING)
    assert tree(repository) == before and not mark.exists()
    (repository / "app.py").touch()
    git(repository, "status")
    assert mark.exists(), "control: git itself runs it"


@pytest.mark.parametrize("staged", [False, True])
def test_work_of_the_users_in_a_touched_file_is_not_committed(repository: Path, env: Env, staged: bool) -> None:
    with (repository / "app.py").open("ab") as file:
        file.write(b"MINE = 1\r\n")
    if staged:
        git(repository, "add", "app.py")
    wanted = plan(repository, after={"app.py": b"new\n"})
    before, head = tree(repository), git(repository, "rev-parse", "HEAD")
    with pytest.raises(ApplyError, match=r"app\.py has some that are not committed"):
        apply_plan(wanted, env, COMMITTING)
    assert tree(repository) == before and git(repository, "rev-parse", "HEAD") == head
    assert apply_plan(wanted, env, TERMS).exit_code == 0


def test_a_commit_that_git_refuses_takes_the_files_back(repository: Path, env: Env) -> None:
    (repository / ".git" / "MERGE_HEAD").write_text(git(repository, "rev-parse", "HEAD"))
    before, staged = tree(repository), git(repository, "diff", "--cached")
    with pytest.raises(ApplyError, match=r"git commit: .*merge"):
        apply_plan(plan(repository, GREEN), env, COMMITTING)
    assert tree(repository) == before and git(repository, "diff", "--cached") == staged
    assert not standing(repository, env).holder
    (repository / ".git" / "MERGE_HEAD").unlink()
    assert apply_plan(plan(repository, GREEN), env, COMMITTING).commit


def test_commit_without_a_repository_is_refused_before_anything_is_written(project: Path, env: Env) -> None:
    before = tree(project)
    with pytest.raises(ApplyError, match="not a git repository"):
        apply_plan(plan(project), env, COMMITTING)
    assert tree(project) == before


def test_what_is_typed_while_the_checks_run_is_not_committed(repository: Path, env: Env) -> None:
    """The check that is slow to pass gives the user time to write into the fixed file."""
    mine, head = (NEW["app.py"] or b"") + b"MINE = 1\r\n", git(repository, "rev-parse", "HEAD")
    slow = Proof(Check("slow", "sleep 2; grep -q new app.py"))

    def type_on() -> None:
        while (repository / "app.py").read_bytes() != NEW["app.py"]:
            time.sleep(0.01)
        (repository / "app.py").write_bytes(mine)

    typing = Thread(target=type_on)
    typing.start()
    applied = apply_plan(plan(repository, slow), env, COMMITTING)
    typing.join()
    assert (applied.status, applied.exit_code, applied.commit) == (ApplyStatus.APPLIED, 2, "")
    assert "not committed: app.py was changed while the checks ran" in applied_as_text(applied)
    assert git(repository, "rev-parse", "HEAD") == head and (repository / "app.py").read_bytes() == mine
    assert not standing(repository, env).holder


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_does_not_look_at_is_not_committed(repository: Path, env: Env, flag: str) -> None:
    git(repository, "update-index", flag, "app.py")
    with (repository / "app.py").open("ab") as file:
        file.write(b"MINE = 1\r\n")
    assert "app.py" not in git(repository, "status", "--short"), "control: git tells of no change"
    wanted = plan(repository, after={"app.py": b"new\n"})
    before, head = tree(repository), git(repository, "rev-parse", "HEAD")
    with pytest.raises(ApplyError, match=r"what is yours in app\.py: git was told not to look"):
        apply_plan(wanted, env, COMMITTING)
    assert tree(repository) == before and git(repository, "rev-parse", "HEAD") == head
    assert apply_plan(wanted, env, TERMS).exit_code == 0
