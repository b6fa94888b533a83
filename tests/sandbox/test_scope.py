"""A systemd scope around the launcher, for who is not root: used where it works, done without where it does not.

What is called here is a stand-in for `systemd-run`, because a user's manager cannot be had in a test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm.sandbox.scope import scoped
from tests.sandbox.runner import USERS, Runner, give_away, running_as

STAND_IN = """#!/bin/sh
echo "$@" >> "$XDG_RUNTIME_DIR/called"
[ -e "$XDG_RUNTIME_DIR/refuses" ] && exit 1
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture
def ordinary(package: Path) -> Iterator[Runner]:
    with running_as(USERS[-1], package) as runner:
        home = runner.workspace.parent
        (home / "run" / "systemd").mkdir(parents=True)
        (home / "run" / "systemd" / "private").write_text("")
        (home / "bin").mkdir()
        (home / "bin" / "systemd-run").write_text(STAND_IN)
        (home / "bin" / "systemd-run").chmod(0o755)
        runner.environ |= {"XDG_RUNTIME_DIR": str(home / "run"), "PATH": f"{home}/bin:/usr/bin:/bin"}
        give_away(home, USERS[-1])
        yield runner


def test_the_launcher_runs_in_a_scope_with_an_empty_environment(ordinary: Runner) -> None:
    done = ordinary.sh("env | grep -c XDG_RUNTIME_DIR; echo ran")
    assert (done["stdout"], done["isolation"]) == ("0\nran\n", "full")
    called = Path(ordinary.environ["XDG_RUNTIME_DIR"], "called").read_text().splitlines()
    assert len(called) >= 2 and all("--user --scope" in line and "Delegate=yes" in line for line in called)
    assert any("llm.sandbox.launcher" in line for line in called)


def test_a_manager_that_refuses_costs_nothing_but_the_scope(ordinary: Runner) -> None:
    runtime = Path(ordinary.environ["XDG_RUNTIME_DIR"])
    (runtime / "refuses").write_text("")
    assert ordinary.sh("echo ran")["stdout"] == "ran\n"
    assert "llm.sandbox.launcher" not in (runtime / "called").read_text()


def test_root_and_machines_without_a_manager_need_none(tmp_path: Path) -> None:
    assert scoped(["true"], {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)}) == (["true"], {})
