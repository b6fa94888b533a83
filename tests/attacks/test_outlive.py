"""No process of a run outlives it, however the run ends.

`TORRE_SOAK=10` interrupts 500 runs at random moments, as often as the requirement says; without it a tenth.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from threading import Event, Timer

import pytest

from llm.sandbox.base import Job, Limits, Sandbox
from tests.e2e.test_interrupt import wait_until
from tests.sandbox.leftovers import assert_gone, marked
from tests.sandbox.runner import CHECKOUT

SOAK = int(os.environ.get("TORRE_SOAK", "1"))
JOBS, KILLED, FIXES = 40 * SOAK, 7 * SOAK, 3 * SOAK
DAEMONS = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(300)
        os._exit(0)
time.sleep(float(sys.argv[2]))
"""
TORRE = """
import sys
from pathlib import Path
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job
print("up", flush=True)
while True:
    with open_sandbox(Path(sys.argv[1])) as sandbox:
        sandbox.execute(Job(("python3", "-I", "-S", "-c", sys.argv[3], sys.argv[2], "0.05")))
"""


def test_the_daemons_outlive_their_parent_outside() -> None:
    mark = f"torre-mark-{uuid.uuid4().hex}"
    subprocess.run([sys.executable, "-c", DAEMONS, mark, "0.2"], check=True)
    assert wait_until(lambda: len(marked(mark)) == 3), marked(mark)
    survivors = marked(mark)
    for survivor in survivors:
        os.kill(int(survivor.split()[0]), signal.SIGKILL)


@pytest.mark.timeout(120 + JOBS)
def test_jobs_interrupted_at_random(sandbox: Sandbox) -> None:
    """By the clock, by a cancellation, or by their own end."""
    chance, mark = random.Random(7), f"torre-mark-{uuid.uuid4().hex}"
    ended = []
    for number in range(JOBS):
        after_s = chance.uniform(0.001, 0.12)
        cancel = Event() if number % 3 == 0 else None
        limits = Limits(wall_s=after_s if number % 3 == 1 else 30)
        argv = ("python3", "-I", "-S", "-c", DAEMONS, mark, "0.05")
        if cancel:
            Timer(after_s, cancel.set).start()
        ended.append(sandbox.execute(Job(argv, limits=limits, cancel=cancel)).killed)
        assert marked(mark) == [], f"after run {number}, which was ended by {ended[-1] or 'itself'}"
    assert {"", "timeout", "cancelled"} == set(ended)


@pytest.mark.timeout(120 + 4 * KILLED)
def test_torre_killed_at_random(workspace: Path) -> None:
    chance = random.Random(11)
    for number in range(KILLED):
        mark = f"torre-mark-{uuid.uuid4().hex}"
        command = [sys.executable, "-P", "-c", TORRE, str(workspace), mark, DAEMONS]
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as torre:
            assert torre.stdout is not None and torre.stdout.readline() == b"up\n"
            time.sleep(chance.uniform(0.01, 0.6))
            torre.send_signal((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[number % 3])
        assert_gone(mark)
    assert_gone(str(workspace))


@pytest.mark.timeout(120 + 20 * FIXES)
def test_whole_runs_interrupted_at_random(tmp_path: Path) -> None:
    """`torre fix` on a red example, ended by each signal in turn; the last of three runs to its end."""
    chance, torre = random.Random(13), str(Path(sys.executable).parent / "torre")
    for number in range(FIXES):
        place = tmp_path / f"run-{number}-{uuid.uuid4().hex}"
        shutil.copytree(CHECKOUT / "examples" / "py-unittest", place)
        with subprocess.Popen([torre, "fix", place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            if number % 3 != 2:
                time.sleep(chance.uniform(0.3, 4))
                run.send_signal((signal.SIGINT, signal.SIGKILL)[number % 3])
            code = run.wait(120)
        assert_gone(place.name)
        assert number % 3 != 2 or code == 0, "the run that nobody interrupted did not turn green"
