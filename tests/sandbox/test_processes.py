"""Nothing outlives a job, nor Torre, however either ends. `tests/attacks/test_outlive.py` does it often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llm.errors import SandboxError
from llm.sandbox import open_sandbox
from llm.sandbox.base import Limits, Sandbox
from llm.sandbox.memory import descendants
from tests.sandbox.conftest import sh
from tests.sandbox.leftovers import assert_gone, marked
from tests.sandbox.runner import CHECKOUT

DAEMON = "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0: time.sleep(300)\n os._exit(0)\n"


@pytest.fixture
def mark() -> str:
    return f"torre-mark-{uuid.uuid4().hex}"


def test_a_daemon_dies_with_its_job(sandbox: Sandbox, mark: str) -> None:
    done = sandbox.execute(sh(f'python3 -c "$D" {mark}; echo done', env={"D": DAEMON}))
    assert done.stdout == b"done\n"
    assert marked(mark) == []


def test_a_process_that_ignores_signals(sandbox: Sandbox, mark: str) -> None:
    script = f"trap '' TERM INT HUP; (trap '' TERM INT; sleep 300; : {mark}) & sleep 300; : {mark}"
    assert sandbox.execute(sh(script, limits=Limits(wall_s=0.5))).killed == "timeout"
    assert marked(mark) == []


def test_killing_everything_it_can_hurts_only_itself(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("kill -9 -1; kill -9 $PPID; kill -9 1; echo still")).exit_code is not None
    assert sandbox.execute(sh("echo next")).stdout == b"next\n"


@pytest.mark.parametrize("wall_s", [0.001, 0.005, 0.01, 0.02, 0.04])
def test_a_job_killed_while_it_starts(sandbox: Sandbox, mark: str, wall_s: float) -> None:
    for _ in range(4):
        sandbox.execute(sh(f"sleep 300; : {mark}", limits=Limits(wall_s=wall_s)))
    assert marked(mark) == []


TORRE = """
import os, sys, threading
from pathlib import Path
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job
with open_sandbox(Path(sys.argv[1])) as sandbox:
    script = "echo up > $TORRE_REPORT; sleep 300; : " + sys.argv[2]
    job = Job(("sh", "-c", script), on_report=lambda chunk: os.write(1, b"up\\n") and None)
    threads = [threading.Thread(target=sandbox.execute, args=(job,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    sandbox.execute(job)
"""


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_torre_interrupted(workspace: Path, mark: str, signal_: signal.Signals) -> None:
    """SIGKILL too: the launcher and the supervisors notice that their sockets have closed."""
    torre = subprocess.Popen(
        [sys.executable, "-c", TORRE, str(workspace), mark],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert torre.stdout is not None
        with torre.stdout:
            assert [torre.stdout.readline() for _ in range(3)] == [b"up\n"] * 3
        assert len([line for line in marked(mark) if "sleep" in line]) >= 3
        torre.send_signal(signal_)
        torre.wait(10)
    finally:
        torre.kill()
        torre.wait()
    assert_gone(mark)


def test_closing_the_sandbox_leaves_no_launcher(workspace: Path) -> None:
    before = set(_children())  # servers that other tests of this process have started
    with open_sandbox(workspace) as sandbox:
        sandbox.execute(sh("true"))
        assert set(_children()) - before
    assert not set(_children()) - before


def test_closing_the_sandbox_ends_the_jobs_that_still_run(workspace: Path, mark: str) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        with open_sandbox(workspace) as sandbox:
            running = pool.submit(sandbox.execute, sh(f"sleep 300; : {mark}", limits=Limits(wall_s=100)))
            while not marked(mark):
                time.sleep(0.01)
        assert marked(mark) == []
        assert running.result().killed == "cancelled"
    assert time.monotonic() - started < 20


def _children(of: int = 0) -> list[str]:
    pid = of or os.getpid()
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _below(pid: str) -> list[str]:
    """The command lines of a process and of all below it."""
    return [Path(f"/proc/{one}/cmdline").read_text() for one in descendants(int(pid))]


def test_a_broken_launcher_is_an_error_and_not_a_failing_job(workspace: Path) -> None:
    with open_sandbox(workspace) as sandbox:
        os.kill(int(_children()[-1]), signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(SandboxError):
            sandbox.execute(sh("true"))


def test_a_launcher_that_dies_in_the_middle_of_a_job_is_an_error_too(workspace: Path, mark: str) -> None:
    """The job did not end by itself, nor because anybody wanted it: it says nothing about what it ran."""
    with ThreadPoolExecutor(1) as pool, open_sandbox(workspace) as sandbox:
        running = pool.submit(sandbox.execute, sh(f"sleep 300; : {mark}", limits=Limits(wall_s=100)))
        while not marked(mark):
            time.sleep(0.01)
        os.kill(int(_children()[-1]), signal.SIGKILL)
        with pytest.raises(SandboxError, match="launcher died"):
            running.result(20)
    assert_gone(mark)


def test_a_supervisor_that_dies_takes_its_job_with_it_and_nothing_else(workspace: Path, mark: str) -> None:
    """The kernel may choose it when memory runs out. Its job is an error; the others and the next one are not."""
    with ThreadPoolExecutor(2) as pool, open_sandbox(workspace) as sandbox:
        launcher = int(_children()[-1])
        script = f"{'sleep 300 & ' * 99} wait; : {mark}-1"
        first = pool.submit(sandbox.execute, sh(script, limits=Limits(wall_s=100)))
        while not marked(f"{mark}-1"):
            time.sleep(0.01)
        time.sleep(0.3)
        supervisors = [pid for pid in _children(launcher) if any(f"{mark}-1" in line for line in _below(pid))]
        second = pool.submit(sandbox.execute, sh(f"sleep 2; : {mark}-2", limits=Limits(wall_s=100)))
        os.kill(int(supervisors[0]), signal.SIGKILL)
        with pytest.raises(SandboxError, match="supervisor died"):
            first.result(20)
        assert_gone(f"{mark}-1")
        assert sandbox.execute(sh("echo next")).stdout == b"next\n"
        assert second.result(20).exit_code == 0


def test_one_that_dies_as_it_stands_by_is_replaced(workspace: Path) -> None:
    with open_sandbox(workspace) as sandbox:
        sandbox.execute(sh("true"))
        launcher = int(_children()[-1])
        killed = set(_children(launcher))
        for pid in killed:
            os.kill(int(pid), signal.SIGKILL)
        while killed & set(_children(launcher)):
            time.sleep(0.01)
        assert killed and sandbox.execute(sh("echo next")).stdout == b"next\n"


def test_eight_jobs_from_eight_threads(sandbox: Sandbox) -> None:
    def one(number: int) -> tuple[bytes, bytes]:
        done = sandbox.execute(sh(f"echo {number} > a.txt; sleep 0.1; cat a.txt; cat a.txt > $TORRE_REPORT"))
        return done.stdout, done.report

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(16)))
    assert answers == [(f"{n}\n".encode(), f"{n}\n".encode()) for n in range(16)]
