"""kill -9 at any point of an apply or an undo: the old tree or the new one, and nothing in the next one's way.

`TORRE_SOAK=10` kills 500 times at random, as often as the requirement says; without it a tenth of that.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm.apply.change import write
from llm.apply.journal import Journals, State
from llm.apply.lock import standing
from llm.apply.transaction import Terms, apply_plan
from llm.apply.tree import Tree
from llm.apply.undo import finish, unlock
from llm.errors import ApplyError
from tests.apply.projects import NEW, OLD, RULES, make, plan, tree
from tests.apply.test_hostile import _begun

HERE = Path(__file__).parents[2]
KILLS = 50 * int(os.environ.get("TORRE_SOAK", "1"))
SECONDS = 200 + 2 * KILLS
Env = Mapping[str, str]


def _victim(*arguments: object) -> dict[str, int]:
    argv = [sys.executable, "-m", "tests.apply.victim", *map(str, arguments)]
    done = subprocess.run(argv, cwd=HERE, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(SECONDS)
def test_killed_at_random(tmp_path: Path, env: Env) -> None:
    seen = _victim("random", tmp_path, KILLS, 7)
    assert seen["old"] + seen["new"] == KILLS
    assert seen["recovered"] > KILLS / 50 and seen["old"] and seen["new"], f"killed too early or too late: {seen}"


def test_killed_at_each_call_that_changes_the_disk(tmp_path: Path, env: Env) -> None:
    seen = _victim("each", tmp_path)
    assert seen["calls"] > 40 and seen["recovered"] > 15, seen


def test_control_without_the_journal_the_tree_is_torn(project: Path, env: Env) -> None:
    before = tree(project)
    with Journals(project, env) as journals, Tree.open(project) as files:
        steps = write(_begun(project, journals, files), files, tuple(NEW.values()))
        while next(steps) != "wrote run.sh":
            pass
    (project / ".torre" / "journal" / "1" / "state").unlink()
    assert finish(project, env, RULES).undone == () and tree(project) != before


def test_what_was_edited_after_the_crash_is_not_overwritten(project: Path, env: Env) -> None:
    with Journals(project, env) as journals, Tree.open(project) as files:
        next(s for s in write(_begun(project, journals, files), files, tuple(NEW.values())) if s == "wrote app.py")
    (project / "app.py").write_bytes(b"edited after the crash\n")
    before = tree(project)
    for _ in range(2):
        with pytest.raises(ApplyError, match=r"app\.py was changed since"):
            finish(project, env, RULES)
    with pytest.raises(ApplyError, match="locked"):
        apply_plan(plan(project, after={"kept.txt": b"x\n"}), env, Terms(RULES))
    assert tree(project) == before
    unlocked = unlock(project, env, RULES)
    assert ".torre/journal/1/before" in unlocked.abandoned[0] and tree(project) == before
    assert (project / ".torre/journal/1/before/0").read_bytes() == OLD["app.py"]
    with Journals(project, env) as journals:
        assert journals.ours()[0].state is State.ABANDONED
    assert apply_plan(plan(project, after={"kept.txt": b"x\n"}), env, Terms(RULES)).exit_code == 0


def test_an_interrupt_while_the_checks_run_restores_every_byte(project: Path, env: Env) -> None:
    before = tree(project)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.apply.victim", "hang", project], cwd=HERE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            _wait_for_a_write(project, env)
        except BaseException:
            process.kill()
            raise
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    assert json.loads(stdout) == ["KeyboardInterrupt", "nothing was changed"] and tree(project) == before
    assert standing(project, env).holder is None


def _wait_for_a_write(project: Path, env: Env) -> None:
    until = time.monotonic() + 30
    while (project / "app.py").read_bytes() == OLD["app.py"] or standing(project, env).holder is None:
        assert time.monotonic() < until, "it never wrote"
        time.sleep(0.02)


def test_the_way_to_the_journal_is_on_the_disk_before_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first apply of a user in a project: a power cut must not take the directories that were made for it."""
    project = make(tmp_path / "project")
    (project / ".torre").rmdir()
    env = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_STATE_HOME": ""}
    (tmp_path / "home").mkdir()
    synced: list[Path] = []
    sync = os.fsync

    def noting(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").readlink())
        sync(file)

    with Journals(project, env) as journals, Tree.open(project) as files:
        monkeypatch.setattr(os, "fsync", noting)
        _begun(project, journals, files)
    way = (project, project / ".torre", project / ".torre/journal", project / ".torre/journal/1")
    notes = [tmp_path / "home" / place for place in ("", ".local", ".local/state", ".local/state/torre")]
    assert {*way, *notes, notes[-1] / "journals"} <= set(synced)
