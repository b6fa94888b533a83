"""What leaves and enters a running job: stdin, the report pipe, and both as a conversation."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from llm.errors import SandboxError
from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.conftest import sh
from tests.sandbox.runner import Runner


def test_stdin_reaches_the_job_and_ends(sandbox: Sandbox) -> None:
    text = b"line\n" * 200_000
    limits = Limits(wall_s=30, output_bytes=2_000_000)
    assert sandbox.execute(Job(("cat",), stdin=text, limits=limits)).stdout == text


def test_stdin_that_nobody_reads(sandbox: Sandbox) -> None:
    assert sandbox.execute(Job(("true",), stdin=b"x" * 1_000_000)).exit_code == 0


def test_without_stdin_there_is_an_end_at_once(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("cat; echo end")).stdout == b"end\n"


def test_report_opened_many_times_and_through_children(runner: Runner) -> None:
    script = """
echo one > $TORRE_REPORT
echo two >> $TORRE_REPORT
python3 -c 'import os; open(os.environ["TORRE_REPORT"], "a").write("three\\n")'
python3 -c 'import subprocess; subprocess.run(["sh", "-c", "echo four > $TORRE_REPORT"], close_fds=True)'
"""
    assert runner.sh(script)["report"] == "one\ntwo\nthree\nfour\n"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_report_from_node(sandbox: Sandbox) -> None:
    script = """
const fs = require('fs'), p = process.env.TORRE_REPORT
fs.writeFileSync(p, 'a'); fs.appendFileSync(p, 'b'.repeat(200000))
require('child_process').execSync('printf c > $TORRE_REPORT')
fs.createWriteStream(p, {flags: 'a'}).end('d')
"""
    done = sandbox.execute(Job(("node", "-e", script), limits=Limits(wall_s=30)))
    assert done.report == b"a" + b"b" * 200_000 + b"cd", done.stderr


def test_a_large_report_is_whole(sandbox: Sandbox) -> None:
    done = sandbox.execute(sh("head -c 3000000 /dev/zero > $TORRE_REPORT"))
    assert len(done.report) == 3_000_000


def test_a_conversation(sandbox: Sandbox) -> None:
    script = 'while read line; do [ "$line" = bye ] && exit 3; echo "<$line>" > $TORRE_REPORT; done'
    heard: list[bytes] = []

    def answer(chunk: bytes) -> bytes:
        heard.append(chunk)
        return b"more\n" if len(heard) < 3 else b"bye\n"

    done = sandbox.execute(sh(script, stdin=b"first\n", on_report=answer))
    assert heard == [b"<first>\n", b"<more>\n", b"<more>\n"]
    assert (done.exit_code, done.report) == (3, b"".join(heard))


def test_a_slow_listener_does_not_stop_the_clock(sandbox: Sandbox) -> None:
    def listen(_: bytes) -> None:
        time.sleep(1)

    done = sandbox.execute(sh("yes > $TORRE_REPORT", on_report=listen, limits=Limits(wall_s=0.3)))
    assert done.killed == "timeout"
    assert done.duration_s < 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_raises_ends_the_job(sandbox: Sandbox) -> None:
    def listen(_: bytes) -> None:
        raise ValueError("a bug of the listener's")

    started = time.monotonic()
    with pytest.raises(SandboxError, match="on_report"):
        sandbox.execute(sh("echo x > $TORRE_REPORT; sleep 60", on_report=listen))
    assert time.monotonic() - started < 10


def test_the_job_has_no_terminal(sandbox: Sandbox) -> None:
    assert sandbox.execute(sh("tty; exec < /dev/tty")).exit_code != 0


def test_find_agrees_with_what_a_job_finds(sandbox: Sandbox, workspace: Path) -> None:
    tool = workspace / "packages" / "app" / "node_modules" / ".bin" / "mytool"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    for program, directory in (("sh", "."), ("python3", "."), ("mytool", "packages/app")):
        told = sandbox.find(program, directory)
        seen = sandbox.execute(sh(f"command -v {program}", directory=directory)).stdout.decode().strip()
        assert told == seen
    assert sandbox.find("mytool") is None
    assert sandbox.find("no-such-program") is None
