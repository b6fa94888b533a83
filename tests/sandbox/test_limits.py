"""What a job may use: time, output, memory, processes; and that breaking one bound is named."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.conftest import Runner, sh

MIB = 1 << 20


def test_wall_time(runner: Runner) -> None:
    done = runner.sh("echo before; trap '' TERM INT HUP; sleep 60; echo after", limits={"wall_s": 0.7})
    assert (done["exit_code"], done["killed"], done["stdout"]) == (None, "timeout", "before\n")
    assert done["duration_s"] < 5


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


def test_memory_of_one_process(runner: Runner) -> None:
    bomb = "x = bytearray(400 << 20); print('through')"
    assert subprocess.run([sys.executable, "-c", bomb], capture_output=True, check=True).stdout == b"through\n"
    done = runner.python(bomb + "\nimport time; time.sleep(20)", limits={"memory_bytes": 150 * MIB})
    assert (done["exit_code"], done["killed"]) == (None, "oom")


def test_memory_of_six_processes(runner: Runner) -> None:
    bomb = "import os, time\nfor _ in range(5):\n if os.fork() == 0: break\n"
    bomb += "x = bytearray(60 << 20); time.sleep(20)"
    done = runner.python(bomb, limits={"memory_bytes": 200 * MIB})
    assert (done["killed"], done["duration_s"] < 15) == ("oom", True)


def test_memory_within_the_bound(runner: Runner) -> None:
    assert runner.python("x = bytearray(60 << 20)", limits={"memory_bytes": 400 * MIB})["exit_code"] == 0


def test_processes(runner: Runner) -> None:
    bomb = "import os, sys, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(30); os._exit(0)\n"
    bomb += "    n += 1\nexcept OSError: print(n, flush=True)\nos._exit(0)"
    done = runner.python(bomb, limits={"processes": 50})
    assert 30 <= int(done["stdout"]) <= 50, done


def test_a_fork_bomb_ends_with_its_time(sandbox: Sandbox) -> None:
    started = time.monotonic()
    done = sandbox.execute(sh("b() { b | b & }; b; exec sleep 60", limits=Limits(wall_s=1, processes=100)))
    assert done.killed == "timeout"
    assert time.monotonic() - started < 15


def test_a_hanging_fifo(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("mkfifo f; cat f", limits=Limits(wall_s=0.3))).killed == "timeout"


def test_no_core_dump(sandbox: Sandbox) -> None:
    done = sandbox.execute(sh("sh -c 'kill -SEGV $$'; echo $?; ls"))
    assert done.stdout == b"139\na.txt\n"


def test_exit_codes(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("exit 7")).exit_code == 7
    assert sandbox.execute(sh("kill -9 $$")).exit_code == 137
    assert sandbox.execute(Job(("no-such-program",))).exit_code == 127
    assert sandbox.execute(Job(("true",), directory="no/such/folder")).exit_code == 127
    assert sandbox.execute(Job(("./a.txt",))).exit_code == 126
