"""The built wheel, installed into an empty environment, is the same `torre`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

from tests.e2e.conftest import REPOSITORY, environment

RED = "import os\n\nprint('no use of os')\n"


def run(*argv: str | Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_wheel_alone_turns_a_red_repository_green(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=REPOSITORY)
    assert built.returncode == 0, built.stderr
    venv.create(tmp_path / "empty", with_pip=False)
    python = tmp_path / "empty" / "bin" / "python"
    (wheel,) = (tmp_path / "dist").glob("torre_llm-*.whl")
    installed = run(
        Path(sys.executable).with_name("uv"), "pip", "install", "-q", "-p", python, wheel, cwd=tmp_path
    )
    assert installed.returncode == 0, installed.stderr
    workspace = tmp_path / "red"
    workspace.mkdir()
    (workspace / "ruff.toml").write_text("")
    (workspace / "a.py").write_text(RED)
    env = {**environment(tmp_path / "state"), "PATH": os.defpath}
    fixed = run(python.with_name("torre"), "fix", "--json", ".", cwd=workspace, env=env)
    answer = json.loads(fixed.stdout)
    assert (fixed.returncode, answer["mode"]) == (0, "PATCH"), fixed.stdout + fixed.stderr
    assert "-import os" in answer["diff"]
    module = run(python, "-m", "llm.cli", "--version", cwd=tmp_path)
    assert module.stdout == run(python.with_name("torre"), "--version", cwd=tmp_path).stdout != ""
