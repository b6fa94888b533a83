"""Interrupted: exit code 130, every process gone, the tree as it was, and a trace of what happened."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, a_long_sleep, fingerprint, processes_running


def wait_until(condition: Callable[[], object], seconds: float = 150) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_but_its_trace(
    workspace: Callable[..., Path], env: dict[str, str], number: signal.Signals
) -> None:
    root, seconds = workspace({"app.py": "X = 1\n"}), a_long_sleep()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True, env=env)
    before = fingerprint(root)
    hang = f"touch app.py scratch; trap '' INT TERM; sleep {seconds}; sleep {seconds}"
    # A job in the background inherits SIGINT ignored, and so would everything below this test run.
    command = ["env", "--default-signal=INT", *TORRE, "fix", "--json", "--check", hang, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert wait_until(lambda: processes_running(seconds)), "the check never started"
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 130, stderr
    told = json.loads(stdout)
    assert wait_until(lambda: not processes_running(seconds), 5), processes_running(seconds)
    assert fingerprint(root) == before
    traces = list((root / ".torre" / "runs").glob("*.jsonl"))
    assert [trace.stem for trace in traces] == [told["trace_id"]], "what was interrupted can be looked up"
    assert "interrupted" in told["error"]["message"] or "terminated" in told["error"]["message"]
    assert '"checks"' in traces[0].read_text()


_PYTHON = {
    "app.py": "def area(a, b):\n    return (a - b) * 7 - 4 // a\n",
    "test_app.py": "from app import area\n\n\ndef test_area():\n    assert area(3, 4) == 987\n",
}
_JAVASCRIPT = {
    "package.json": '{"scripts": {"test": "node --test"}}',
    "app.js": "exports.area = (a, b) => (a - b) * 7 - 4 / a;\n",
    "app.test.js": 'const { area } = require("./app.js");\n'
    'require("node:test")("area", () => require("node:assert").strictEqual(area(3, 4), 987));\n',
}


@pytest.mark.parametrize(("files", "fixer"), [(_PYTHON, "search"), (_JAVASCRIPT, "js_search")], ids=["py", "js"])
def test_a_sandbox_that_breaks_in_the_middle_of_a_search_is_no_verdict(
    workspace: Callable[..., Path], env: dict[str, str], files: dict[str, str], fixer: str
) -> None:
    """Its launcher is killed, as the kernel does when memory runs out: exit code 5, and not "still red"."""
    command = [*TORRE, "fix", str(workspace(files))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr is not None
            asked = next((line for line in process.stderr if line == f"asking {fixer}\n"), "")
            assert asked, "it never began to search"
            os.kill(_launcher_of(process.pid), signal.SIGKILL)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 5, stdout + stderr
    assert re.search("the sandbox's (launcher|supervisor)", stderr), stderr


def _launcher_of(torre: int) -> int:
    children = Path(f"/proc/{torre}/task/{torre}/children").read_text().split()
    return next(
        int(pid) for pid in children if b"llm.sandbox.launcher" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
