"""What a job sees of the host: its workspace at the same path, writable and private, and little else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llm.errors import UnwritableError
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.conftest import sh
from tests.sandbox.runner import ROOT, Runner, give_away

ODD_NAMES = ["with space", "wíth-ünicode-✓", "new\nline", "co:lon,comma=eq", "back\\slash", "quo'te\"s", "-dash"]


def test_same_absolute_path_and_writable(runner: Runner) -> None:
    done = runner.sh("/bin/pwd && cat a.txt && echo new > b.txt && mkdir -p d/e && echo x > d/e/f && cat b.txt")
    assert done["exit_code"] == 0, done
    assert done["stdout"] == f"{runner.workspace}\nanew\n"


def test_writes_and_deletions_do_not_reach_the_host_nor_the_next_job(runner: Runner) -> None:
    assert runner.sh("echo changed > a.txt && rm -rf ./* && echo b > b.txt && ls")["stdout"] == "b.txt\n"
    assert sorted(p.name for p in runner.workspace.iterdir()) == ["a.txt"]
    assert (runner.workspace / "a.txt").read_text() == "a"
    assert runner.sh("ls")["stdout"] == "a.txt\n"


def test_the_same_script_outside_does_change_the_host(workspace: Path) -> None:
    subprocess.run(["sh", "-c", "echo changed > a.txt"], cwd=workspace, check=True)
    assert (workspace / "a.txt").read_text() == "changed\n"


def test_files_are_written_before_the_start(runner: Runner) -> None:
    files = {"a.txt": "patched", "new/deep/file.py": "print(1)", "gone.txt": None}
    done = runner.sh("cat a.txt new/deep/file.py", files=files)
    assert done["stdout"] == "patchedprint(1)", done
    assert (runner.workspace / "a.txt").read_text() == "a"


def test_a_deleted_file_is_gone_inside_and_back_in_the_next_job(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("ls", files={"a.txt": None})).stdout == b""
    assert sandbox.execute(sh("ls")).stdout == b"a.txt\n"


def test_what_changes_on_the_host_is_seen_by_the_next_job(sandbox: Sandbox, workspace: Path) -> None:
    """Its view was mounted before the change: a supervisor stands by."""
    (workspace / "d").mkdir()
    (workspace / "d" / "old").write_text("old")
    assert sandbox.execute(sh("ls . d")).stdout == b".:\na.txt\nd\n\nd:\nold\n"
    time.sleep(0.2)
    (workspace / "a.txt").write_text("changed")
    (workspace / "new").write_text("new")
    (workspace / "d" / "old").unlink()
    (workspace / "d" / "other").write_text("")
    assert sandbox.execute(sh("cat a.txt new; ls d")).stdout == b"changednewother\n"


@pytest.mark.parametrize("replaced", ["a.txt", "d/a.txt", "d/deep/a.txt", "d"])
def test_what_is_replaced_on_the_host_is_seen_by_the_next_job(
    sandbox: Sandbox, workspace: Path, replaced: str
) -> None:
    """As editors, git and an apply replace files: another one takes the name of one that may be known by now."""
    for tree, text in ((workspace / "d", "old"), (workspace.parent / "new", "new")):
        (tree / "deep").mkdir(parents=True)
        for folder in (tree, tree / "deep"):
            (folder / "a.txt").write_text(text)
    time.sleep(0.1)
    assert sandbox.execute(sh("true")).exit_code == 0
    time.sleep(0.2)
    if replaced == "d":
        (workspace / "d").rename(workspace.parent / "old")
    (workspace.parent / "new" / replaced.removeprefix("d").removeprefix("/")).rename(workspace / replaced)
    script = f"cat {'d/a.txt d/deep/a.txt' if replaced == 'd' else replaced}"
    assert set(sandbox.execute(sh(script)).stdout.decode().replace("new", "new\n").split()) == {"new"}


def test_each_job_has_its_own_bounds(sandbox: Sandbox) -> None:
    """Also the jobs whose view was mounted before the bounds were known."""
    free_kib = "df -k --output=size,itotal . | tail -1"
    for mib, inodes in ((30, 1000), (50, 700), (40, 900)):
        done = sandbox.execute(sh(free_kib, limits=Limits(disk_bytes=mib << 20, inodes=inodes)))
        assert done.stdout.split() == [str(mib << 10).encode(), str(inodes).encode()]


def test_modes_are_kept_and_new_programs_can_be_executed(workspace: Path) -> None:
    (workspace / "run.sh").write_text("#!/bin/sh\necho old\n")
    (workspace / "run.sh").chmod(0o555)
    with open_sandbox(workspace) as sandbox:
        files = {"run.sh": b"#!/bin/sh\necho new\n", "more.sh": b"#!/bin/sh\necho more\n", "plain": b""}
        job = sh("./run.sh; ./more.sh; stat -c %a run.sh plain", files=files, executable=frozenset({"more.sh"}))
        assert sandbox.execute(job).stdout == b"new\nmore\n555\n644\n"


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
@pytest.mark.parametrize("own", ["uid", "gid"])
def test_another_users_files_are_refused_to_who_cannot_change_them_and_not_to_root(
    runner: Runner, own: str
) -> None:
    """Without the refusal no candidate could be written, and each check would fail of EOVERFLOW."""
    (runner.workspace / "d").mkdir()
    for place in (runner.workspace.parent, runner.workspace.parents[1]):
        place.chmod(0o755)
    known = runner.workspace.stat()
    owner = (54321, known.st_gid) if own == "uid" else (known.st_uid, 54321)
    for place in (runner.workspace, runner.workspace / "d"):
        os.chown(place, *owner)
        place.chmod(0o777)
    if runner.prefix[0] == "setpriv":
        with pytest.raises(AssertionError, match=r"SandboxError: files .* belong to another user or group"):
            runner.sh("mkdir d/e")
        runner.prefix = tuple(re.sub(f"--re{own}=.*", f"--re{own}=54321", word) for word in runner.prefix)
    assert runner.sh("mkdir d/e && ls d")["stdout"] == "e\n"


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_a_file_of_another_user_is_replaced_and_none_in_another_users_folder(runner: Runner) -> None:
    (runner.workspace / "d").mkdir()
    (runner.workspace / "theirs").write_text("old")
    (runner.workspace / "theirs").chmod(0o666)
    for name in ("d", "theirs"):
        os.chown(runner.workspace / name, 54321, 54321)
    assert runner.sh("cat theirs", files={"theirs": "new"})["stdout"] == "new"
    for path in ("d/new", "d/e/f"):
        with pytest.raises(AssertionError, match=f"UnwritableError: a file cannot be written .*: '{path}'"):
            runner.sh("cat d/*", files={path: "new"})


def test_a_directory_can_be_removed_and_made_again(workspace: Path) -> None:
    (workspace / "d").mkdir()
    (workspace / "d" / "old").write_text("")
    with open_sandbox(workspace) as sandbox:
        done = sandbox.execute(sh("rm -rf d && mkdir d && touch d/new && mv d e && ls e"))
        assert (done.exit_code, done.stdout) == (0, b"new\n"), done


@pytest.mark.parametrize("path", ["link/out.txt", "file-link", "../out.txt", "/out.txt", "a.txt/../../out.txt"])
def test_files_are_never_written_through_a_symlink_or_outside(workspace: Path, path: str) -> None:
    outside = workspace.parent / "outside"
    outside.mkdir()
    (outside / "target").write_text("untouched")
    (workspace / "link").symlink_to(outside)
    (workspace / "file-link").symlink_to(outside / "target")
    with (
        open_sandbox(workspace, binds=[outside]) as sandbox,
        pytest.raises(UnwritableError, match=re.escape(path)),
    ):
        sandbox.execute(sh("touch ran", files={path: b"x"}))
    assert [p.name for p in outside.iterdir()] == ["target"]
    assert (outside / "target").read_text() == "untouched"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_paths(tmp_path: Path, name: str) -> None:
    place = tmp_path / name / "ws"
    place.mkdir(parents=True)
    (place / "a.txt").write_text("a")
    with open_sandbox(place) as sandbox:
        done = sandbox.execute(sh("/bin/pwd; cat a.txt; echo b > b", directory="."))
    assert done.stdout.decode() == f"{place}\na", done
    assert not (place / "b").exists()


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_what_is_mounted_inside_the_workspace_is_named(workspace: Path) -> None:
    """As a container's volume for `node_modules` is: the overlay shows the folder beneath it."""
    place = workspace / "a volume"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "torre-test", place], check=True)
    try:
        (place / "inner").write_text("")
        with open_sandbox(workspace) as sandbox:
            assert [text for text in sandbox.missing if f"mounted at {place}, inside" in text]
            assert sandbox.execute(sh("ls -A 'a volume'")).stdout == b""
    finally:
        subprocess.run(["umount", place], check=True)
    with open_sandbox(workspace) as sandbox:
        assert not [text for text in sandbox.missing if "mounted" in text]


def test_a_symlinked_workspace_is_resolved(workspace: Path) -> None:
    link = workspace.parent / "link"
    link.symlink_to(workspace)
    with open_sandbox(link) as sandbox:
        assert sandbox.execute(sh("/bin/pwd")).stdout.decode().strip() == str(workspace.resolve())


def test_the_workspace_wins_over_the_private_tmp(sandbox: Sandbox, workspace: Path) -> None:
    """tmp_path lies in /tmp, which is a tmpfs of the job's own."""
    stray = workspace.parent / "beside.txt"
    stray.write_text("host")
    done = sandbox.execute(sh(f"cat a.txt; echo x > /tmp/mine; cat /tmp/mine; cat {stray}"))
    assert done.stdout == b"ax\n"
    assert not Path("/tmp/mine").exists()


def test_further_binds_can_be_read_and_not_written(workspace: Path) -> None:
    more = workspace.parent / "more"
    more.mkdir()
    (more / "m.txt").write_text("m")
    with open_sandbox(workspace, binds=[more]) as sandbox:
        done = sandbox.execute(sh(f"cat {more}/m.txt; echo x > {more}/m.txt"))
    assert done.stdout == b"m"
    assert done.exit_code != 0
    assert (more / "m.txt").read_text() == "m"


def test_binds_serve_every_job_not_only_the_first(sandbox: Sandbox) -> None:
    job = Job(("python3", "-c", "print(1)"), limits=Limits(wall_s=30))
    assert [sandbox.execute(job).stdout for _ in range(3)] == [b"1\n"] * 3


def test_git_works_in_the_view(workspace: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    with open_sandbox(workspace) as sandbox:
        done = sandbox.execute(sh("git add -A && git status --short"))
    assert done.stdout == b"A  a.txt\n", done
    status = subprocess.run(["git", "status", "--short"], cwd=workspace, capture_output=True, check=True)
    assert status.stdout == b"?? a.txt\n"


def test_disk_is_bounded(runner: Runner) -> None:
    fill = "head -c 6000000 /dev/zero > big && head -c 6000000 /dev/zero > more"
    assert "No space left" in runner.sh(fill, limits={"disk_bytes": 10_000_000})["stderr"]
    done = runner.sh("head -c 20000000 /dev/zero > big", limits={"disk_bytes": 10_000_000})
    assert "File too large" in done["stderr"]
    done = runner.sh(fill.replace("> ", "> /dev/shm/"), limits={"disk_bytes": 10_000_000})
    assert "No space left" in done["stderr"]


def test_inodes_are_bounded(runner: Runner) -> None:
    done = runner.sh("mkdir d; for i in $(seq 300); do : > d/$i || exit 9; done", limits={"inodes": 200})
    assert done["exit_code"] not in (0, None)
    assert "No space left" in done["stderr"]


def test_a_venv_elsewhere_with_its_interpreter_under_another_home(workspace: Path) -> None:
    """The venv's scripts keep their shebang; its interpreter is this one's base, wherever that lies."""
    elsewhere = workspace.parent / "venvs" / "project"
    subprocess.run([sys._base_executable, "-m", "venv", "--without-pip", elsewhere], check=True)  # type: ignore[attr-defined]
    tool = elsewhere / "bin" / "tool"
    tool.write_text(f"#!{elsewhere}/bin/python\nimport sys; print(sys.prefix)\n")
    tool.chmod(0o755)
    (workspace / ".venv").symlink_to(elsewhere)
    workspace.parent.chmod(0o700)
    with open_sandbox(workspace) as sandbox:
        done = sandbox.execute(sh("tool && python -c 'import json, ssl, ctypes'"))
    assert (done.exit_code, done.stdout.decode()) == (0, f"{elsewhere}\n"), done


def test_what_is_looked_at_ahead_of_a_job_is_not_seen_by_it(runner: Runner) -> None:
    """Many folders, one that may not be read, links and a pipe: nothing is held open, followed or waited for."""
    for number in range(150):
        (runner.workspace / f"d{number}" / "deeper").mkdir(parents=True)
        (runner.workspace / f"d{number}" / "deeper" / "f").write_text("text")
    (runner.workspace / "closed").mkdir(mode=0)
    (runner.workspace / "link").symlink_to("/")
    os.mkfifo(runner.workspace / "pipe")
    give_away(runner.workspace, "ordinary" if "setpriv" in runner.prefix else "")
    script = "import os; print(sorted(os.listdir('/proc/self/fd'))[:-1], open('d149/deeper/f').read())"
    done = runner.run_all([{"argv": ["sleep", "0.3"]}, {"argv": ["python3", "-c", script]}])
    assert done[1]["stdout"] == "['0', '1', '2'] text\n", done[1]
