"""`make test-tools`: what the tests need of Debian is installed by root, and told to anybody else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.conftest import REPOSITORY, Ran

SCRIPT = REPOSITORY / "tools" / "packages.sh"


def run(tmp_path: Path, uid: int, *wanted: str) -> tuple[Ran, list[str]]:
    """The script as that user, with an apt-get that only notes what it is asked for."""
    programs, asked = tmp_path / "bin", tmp_path / "asked"
    programs.mkdir(exist_ok=True)
    asked.write_text("")
    for name, body in {"id": f"echo {uid}", "apt-get": f'echo "$@" >> {asked}'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    env = {"PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run([SCRIPT, *wanted], env=env, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr), asked.read_text().splitlines()


def test_root_gets_what_is_missing_and_nothing_else(tmp_path: Path) -> None:
    ran, asked = run(tmp_path, 0, "--lean", "sh=dash", "no-such-browser=chromium", "no-such-metrics=prometheus")
    assert ran.exit_code == 0, ran.stderr
    assert asked == ["update -qq", "install -y -qq --no-install-recommends chromium prometheus"]


def test_anybody_else_is_told_the_command_and_it_stops(tmp_path: Path) -> None:
    ran, asked = run(tmp_path, 1000, "--lean", "no-such-browser=chromium", "python3-venv")
    assert (ran.exit_code, asked) == (1, [])
    assert ran.stderr.rstrip().endswith("sudo apt-get install chromium python3-venv")


def test_what_is_there_costs_nothing(tmp_path: Path) -> None:
    ran, asked = run(tmp_path, 0, "--lean", "sh=dash", "cat=coreutils")
    assert (ran.exit_code, ran.stdout, ran.stderr, asked) == (0, "", "", [])
