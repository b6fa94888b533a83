"""Interrupted: exit code 130, every process gone, the tree as it was, and a trace of what happened."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, fingerprint, processes_running


def wait_until(condition: Callable[[], object], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("number", "seconds"), [(signal.SIGINT, "7391"), (signal.SIGTERM, "7393"), (signal.SIGHUP, "7395")]
)
def test_an_interrupted_run_leaves_nothing_but_its_trace(
    workspace: Callable[..., Path], env: dict[str, str], number: signal.Signals, seconds: str
) -> None:
    root = workspace({"app.py": "X = 1\n"})
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
