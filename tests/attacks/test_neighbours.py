"""Two candidates side by side, or one after the other, find nothing of each other's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.runner import Runner

LEAVES = """
import os, socket, sys, time
here = os.environ.get("TORRE_LEAVE", "")
for folder in ("/tmp", "/var/tmp", "/dev/shm", os.environ["HOME"], os.getcwd()):
    with open(folder + "/torre-left-here", "w") as f: f.write("left")
server = socket.socket(socket.AF_UNIX); server.bind("\\0torre-left-here"); server.listen()
print("up", flush=True)
time.sleep(float(sys.argv[1]))
for folder in ("/tmp", "/var/tmp", "/dev/shm", os.environ["HOME"], os.getcwd()):
    os.unlink(folder + "/torre-left-here")
"""
LOOKS = """
import os, socket
for folder in ("/tmp", "/var/tmp", "/dev/shm", os.environ["HOME"], os.getcwd()):
    if os.path.exists(folder + "/torre-left-here"): print("file", folder)
try: socket.socket(socket.AF_UNIX).connect("\\0torre-left-here"); print("socket")
except OSError: pass
for pid in filter(str.isdigit, os.listdir("/proc")):
    try: line = open(f"/proc/{pid}/cmdline").read()
    except OSError: continue  # it has ended meanwhile
    if "torre-" + "neighbour" in line: print("process")
"""
FOUND = ["file", "file", "file", "file", "file", "process", "socket"]


def look(sandbox: Sandbox) -> str:
    return sandbox.execute(Job(("python3", "-c", LOOKS), limits=Limits(wall_s=30))).stdout.decode()


def test_control_outside_all_of_it_is_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    env = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}
    place = tmp_path_factory.mktemp("place")
    command = [sys.executable, "-c", LEAVES, "60", "torre-neighbour"]
    with subprocess.Popen(command, env=env, cwd=place, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        looks = [sys.executable, "-c", LOOKS]
        try:
            found = subprocess.run(looks, env=env, cwd=place, capture_output=True, text=True, check=True).stdout
        finally:
            process.send_signal(signal.SIGKILL)
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        os.unlink(f"{folder}/torre-left-here")  # noqa: PTH108
    assert sorted(line.split()[0] for line in found.splitlines()) == FOUND


def test_side_by_side(sandbox: Sandbox) -> None:
    up, ended = threading.Event(), threading.Event()
    script = LEAVES.replace('print("up", flush=True)', 'open(os.environ["TORRE_REPORT"], "w").write("up")')

    def hear(_: bytes) -> None:
        up.set()

    job = Job(("python3", "-c", script, "60", "torre-neighbour"), cancel=ended, on_report=hear)
    other = threading.Thread(target=sandbox.execute, args=(job,))
    other.start()
    try:
        assert up.wait(20)
        assert look(sandbox) == ""
    finally:
        ended.set()
        other.join()


def test_one_after_the_other(sandbox: Sandbox) -> None:
    assert sandbox.execute(Job(("python3", "-c", LEAVES, "0.0"), limits=Limits(wall_s=30))).exit_code == 0
    script = LEAVES.replace("os.unlink", "os.stat")  # this one does not tidy up
    assert sandbox.execute(Job(("python3", "-c", script, "0.0"), limits=Limits(wall_s=30))).exit_code == 0
    assert look(sandbox) == ""


def test_the_ledger_is_out_of_sight_and_the_workspace_is_not(runner: Runner) -> None:
    """`.torre` can be made anew, as the tests of a tool that uses the name may want to."""
    (runner.workspace / ".torre").mkdir(exist_ok=True)
    done = runner.sh("cat a.txt; ls -A .torre; mkdir .torre && echo x > .torre/own && cat .torre/own")
    assert done["stdout"] == "ax\n" and "No such file" in done["stderr"], done
    assert not (runner.workspace / ".torre" / "own").exists()
