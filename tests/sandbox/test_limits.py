"""What a job may use: time, output, memory, processes; and that breaking one bound is named."""

from __future__ import annotations

import threading

from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.conftest import sh
from tests.sandbox.runner import Runner

MIB = 1 << 20


def test_wall_time(runner: Runner) -> None:
    for wall_s in (0.7, 5, 25):  # it begins before the job does, which takes its time on a busy machine
        done = runner.sh("echo before; trap '' TERM INT HUP; sleep 60; echo after", limits={"wall_s": wall_s})
        if done["stdout"]:
            break
    assert (done["exit_code"], done["killed"], done["stdout"]) == (None, "timeout", "before\n")
    assert done["duration_s"] < wall_s + 4.3


def test_cancel(sandbox: Sandbox) -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    done = sandbox.execute(sh("sleep 60", cancel=cancel))
    assert (done.killed, done.exit_code) == ("cancelled", None)
    assert done.duration_s < 5


def test_cancelled_before_the_start(sandbox: Sandbox) -> None:
    cancel = threading.Event()
    cancel.set()
    assert sandbox.execute(sh("sleep 60", cancel=cancel)).killed == "cancelled"


def test_output_flood_keeps_head_and_tail(sandbox: Sandbox) -> None:
    for stream in ("", " >&2"):
        done = sandbox.execute(
            sh(f"echo HEAD{stream}; yes x{stream}", limits=Limits(wall_s=30, output_bytes=50_000))
        )
        kept = done.stderr if stream else done.stdout
        assert done.killed == "output"
        assert kept.startswith(b"HEAD\n")
        assert kept.endswith(b"x\n")
        assert len(kept) < 51_000


def test_output_below_the_cap_is_whole(sandbox: Sandbox) -> None:
    done = sandbox.execute(sh("head -c 40000 /dev/zero; head -c 300 /dev/zero >&2"))
    assert (len(done.stdout), len(done.stderr), done.killed, done.exit_code) == (40_000, 300, "", 0)


def test_report_flood(sandbox: Sandbox) -> None:
    limits = Limits(wall_s=30, report_bytes=100_000)
    assert sandbox.execute(sh("yes > $TORRE_REPORT", limits=limits)).killed == "output"


def test_memory_within_the_bound(runner: Runner) -> None:
    assert runner.python("x = bytearray(60 << 20)", limits={"memory_bytes": 400 * MIB})["exit_code"] == 0


def test_memory_of_semaphores_counts(runner: Runner) -> None:
    """They are in no process's resident set; with a bound that is large enough they can be had."""
    script = (
        "import ctypes, time; c = ctypes.CDLL(None); sets = [c.semget(0, 32000, 0o1600) for _ in range(300)];"
        "time.sleep({}); print(min(sets) >= 0)"
    )
    assert runner.python(script.format(30), limits={"memory_bytes": 150 * MIB})["killed"] == "oom"
    assert runner.python(script.format(0), limits={"memory_bytes": 1500 * MIB})["stdout"] == "True\n"


def test_no_core_dump(sandbox: Sandbox) -> None:
    done = sandbox.execute(sh("sh -c 'kill -SEGV $$'; echo $?; ls"))
    assert done.stdout == b"139\na.txt\n"


def test_exit_codes(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("exit 7")).exit_code == 7
    assert sandbox.execute(sh("kill -9 $$")).exit_code == 137
    assert sandbox.execute(Job(("no-such-program",))).exit_code == 127
    assert sandbox.execute(Job(("true",), directory="no/such/folder")).exit_code == 127
    assert sandbox.execute(Job(("./a.txt",))).exit_code == 126


def test_memory_that_is_only_sampled_is_said(runner: Runner) -> None:
    """An ordinary user here has no control group; root does. Both count as full, and both bounds hold."""
    done = runner.sh("true")
    assert done["isolation"] == "full"
    known = ["a control group for memory", "the removal of the workspace's own directories"]
    assert all(any(text.startswith(name) for name in known) for text in done["missing"])
    if "setpriv" in runner.prefix:
        assert done["missing"]
