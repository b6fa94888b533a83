"""Interrupted when the files are settled already, and only the telling is left: what is said of them is true."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from llm.apply.lock import standing
from llm.ledger.home import open_traces
from tests.apply.projects import ID, NEW, OLD
from tests.apply.test_commands import BROKEN, FIXED, TORRE, Torre, red, torre

__all__ = ["red", "torre"]

HERE = Path(__file__).parents[2]
Env = Mapping[str, str]


@contextmanager
def written_to(root: Path) -> Iterator[None]:
    """The trace file, as long as somebody else is writing to it."""
    with closing(sqlite3.connect(root / ".torre" / "traces.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def state(root: Path) -> str:
    """How far the first apply came, by its journal."""
    file = root / ".torre" / "journal" / "1" / "state"
    return file.read_text() if file.exists() else ""


def telling(root: Path, process: int, settled: str) -> bool:
    """Whether it has come so far and is at the trace file."""
    opened = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            opened.add(file.readlink().name)
    return state(root) == settled and "traces.sqlite" in opened


def interrupted(mode: str, root: Path, when: Callable[[int], bool], **env: str) -> list[str]:
    """What comes of an apply that is interrupted at that moment."""
    argv = [sys.executable, "-m", "tests.apply.victim", mode, str(root)]
    told = {**os.environ, **env}
    with subprocess.Popen(argv, cwd=HERE, env=told, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: when(process.pid))
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    found: list[str] = json.loads(stdout)
    return found


@pytest.fixture
def traced(project: Path, env: Env) -> Path:
    """A project whose trace has the run that is applied."""
    with closing(open_traces(project, env)) as traces:
        traces.begin(ID, str(project))
    return project


def test_what_is_applied_when_the_interrupt_comes_is_applied(traced: Path) -> None:
    with written_to(traced):
        assert interrupted("green", traced, partial(telling, traced, settled="committed")) == ["applied", "0"]
    assert (traced / "app.py").read_bytes() == NEW["app.py"]


def test_what_is_rolled_back_is_6_and_stays_locked(traced: Path, env: Env) -> None:
    with written_to(traced):
        assert interrupted("red", traced, partial(telling, traced, settled="undone")) == ["rolled_back", "6"]
    assert (traced / "app.py").read_bytes() == OLD["app.py"]
    holder = standing(traced, env).holder
    assert holder is not None and "old is red" in holder.kept


def test_a_commit_that_is_interrupted_leaves_the_fix_and_says_so(project: Path, tmp_path: Path) -> None:
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        subprocess.run([real, *words], cwd=project, check=True)
    slow, begun = tmp_path / "slow", tmp_path / "begun"
    slow.mkdir()
    script = f'#!/bin/sh\nfor word; do [ "$word" = commit ] && {{ touch {begun}; exec sleep 60; }}; done\n'
    (slow / "git").write_text(f'{script}exec {real} "$@"\n')
    (slow / "git").chmod(0o755)
    path = f"{slow}{os.pathsep}{os.environ['PATH']}"
    told = interrupted("commit", project, lambda _: begun.exists(), PATH=path)
    assert told[0] == "KeyboardInterrupt" and "the fix is applied" in told[1] and "`torre undo`" in told[1]
    assert (project / "app.py").read_bytes() == NEW["app.py"]


def test_a_trace_that_is_written_to_delays_an_apply_by_a_second_or_two(traced: Path) -> None:
    with written_to(traced):
        began = time.monotonic()
        argv = [sys.executable, "-m", "tests.apply.victim", "green", str(traced)]
        subprocess.run(argv, cwd=HERE, check=True, capture_output=True, timeout=30)
        assert time.monotonic() - began < 8


def test_the_command_that_is_terminated_says_what_is_true(red: Path, torre: Torre, env: Env) -> None:
    argv = [str(TORRE), "fix", "--apply"]
    path = f"{TORRE.parent}{os.pathsep}{env['PATH']}"
    torre("trace")
    with subprocess.Popen(
        argv, cwd=red, env={**env, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: (red / "app.py").read_text() == FIXED)
        with written_to(red):
            until(lambda: telling(red, process.pid, "committed"))
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, "Applied: app.py." in stdout) == (0, True), stderr
    assert "nothing was changed" not in stderr and (red / "app.py").read_text() == FIXED
    assert torre("undo").returncode == 0 and (red / "app.py").read_text() == BROKEN
