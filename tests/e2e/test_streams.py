"""What goes where: one JSON object or the result on stdout, progress on stderr, colour only for a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import REPOSITORY, TORRE, Torre

Make = Callable[..., Path]

SEED = {"logs": {"types": "TS2307"}, "files": {"src/App.tsx": "console.log(1)"}}
RED = {"app.py": "import os\nX = 1\n"}
RUFF = "ruff check --no-cache --isolated ."


def schema(which: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((REPOSITORY / f"llm/report/{which}.schema.json").read_text("utf-8")))


def test_the_seeds_own_request(ask: Torre) -> None:
    schema("input").validate(SEED)
    ran = ask(SEED)
    answer = ran.json()
    schema("output").validate(answer)
    assert (ran.exit_code, answer["exit_code"], answer["mode"]) == (1, 1, "ADVISORY")
    assert answer["report"]["stage"] == "types"
    assert "providers" not in answer["metrics"], "nobody opted in"


def test_a_request_with_checks_is_answered_with_a_patch(ask: Torre) -> None:
    trace_id = "7b1f9a52-1c0e-4a63-9a51-2f6f0f5f9c11"
    ran = ask({"files": RED, "checks": [RUFF], "trace_id": trace_id})
    answer = ran.json()
    schema("output").validate(answer)
    assert (ran.exit_code, answer["mode"], answer["trace_id"]) == (0, "PATCH", trace_id)
    assert "-import os" in answer["diff"]
    assert "ruff" in ran.stderr, "progress is told, on the other stream"


def test_files_holds_the_changed_files_whole(torre: Torre, workspace: Make) -> None:
    ran = torre("fix", "--json", "--files", "--check", RUFF, workspace(RED))
    assert ran.json()["files_out"] == {"app.py": "X = 1\n"}


def test_errors_validate_too(ask: Torre) -> None:
    schema("output").validate(ask({"flies": {}}).json())


def on_a_terminal(command: list[str], env: dict[str, str]) -> tuple[bytes, bytes]:
    """stdout (a terminal) and stderr (a pipe) of a command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    _, progress = process.communicate(timeout=120)
    return shown, progress


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO once the other end is closed
        return b""


@pytest.mark.parametrize(
    ("extra", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour(workspace: Make, env: dict[str, str], extra: dict[str, str], coloured: bool) -> None:
    command = [*TORRE, "fix", "--check", RUFF, str(workspace({"app.py": "X = 1\n"}))]
    shown, progress = on_a_terminal(command, {**env, **extra})
    assert b"NOTHING RED" in shown
    assert (b"\x1b[" in shown) is coloured
    assert b"\x1b" not in progress, "stderr is no terminal"


def test_no_colour_into_a_pipe(torre: Torre, workspace: Make) -> None:
    ran = torre("fix", "--check", RUFF, workspace(RED), extra={"TERM": "xterm"})
    assert ran.stdout.splitlines()[-1].startswith("GREEN in ")
    assert "\x1b" not in ran.stdout + ran.stderr


def test_a_check_cannot_write_escapes_into_the_report(torre: Torre, workspace: Make) -> None:
    """OSC 52 would put text on the reader's clipboard."""
    printf = r"printf '\033]52;c;ZXZpbA==\007\033[2Jshown'; exit 1"
    ran = torre("fix", "--json", "--check", printf, workspace({"a.txt": ""}))
    output: dict[str, Any] = ran.json()["report"]["checks"][0]["before"]
    assert output["output"].strip() == "shown"


def test_help_and_version(torre: Torre) -> None:
    assert torre("--version").stdout.startswith("torre ")
    assert {"fix", "checks", "doctor"} <= set(torre("--help").stdout.split())
