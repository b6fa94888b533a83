"""A check may name its interpreter by its whole path: the environment of a project need not be on PATH."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import REPOSITORY, Torre

FILES = {
    "adds.py": "def add(a, b):\n    return a - b\n",
    "test_adds.py": "from adds import add\n\n\ndef test_add():\n    assert add(2, 3) == 5 and add(0, 4) == 4\n",
}
SYSTEM = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment on nobody's PATH; its pytest is that of this repository's tests."""
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (installed,) = (REPOSITORY / ".venv" / "workspace").glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(f"{installed}\n")
    return place / "bin" / "python"


def test_a_virtual_environment_that_the_user_names_is_there_also_when_applied(
    torre: Torre, workspace: Callable[..., Path], python: Path
) -> None:
    place = workspace(FILES)
    command = f"PYTHONPATH=. {python} -m pytest -q -p no:cacheprovider"
    ran = torre("fix", place, "--check", command, "--apply", "--json", extra=SYSTEM)
    assert ran.exit_code == 0, ran.stderr
    assert "a + b" in (place / "adds.py").read_text()


def test_what_a_repository_names_is_not_brought_in(
    torre: Torre, workspace: Callable[..., Path], python: Path
) -> None:
    """The first test is the positive control: the same command, from the user."""
    named = f'[tool.torre]\nchecks = ["{python} -m pytest -q"]\n'
    ran = torre("fix", workspace({**FILES, "pyproject.toml": named}), "--json", extra=SYSTEM)
    assert ran.exit_code == 1 and "not found" in ran.stdout, ran.stdout


def test_only_what_was_installed_is_brought_in(
    torre: Torre, workspace: Callable[..., Path], tmp_path: Path
) -> None:
    """A program in a folder of the user's own does not bring that folder along."""
    own = tmp_path / "own"
    (own / "bin").mkdir(parents=True)
    (own / "lib").mkdir()
    (own / "bin" / "show").write_text("#!/bin/sh\nexit 1\n")
    (own / "bin" / "show").chmod(0o755)
    ran = torre("fix", workspace(FILES), "--check", f"{own}/bin/show", "--json", extra=SYSTEM)
    assert ran.exit_code == 1 and "not found" in ran.stdout, ran.stdout


@pytest.mark.parametrize(("root", "exit_code"), [("environment", 0), ("elsewhere", 1)])
def test_a_server_brings_in_what_is_under_its_roots(
    torre: Torre, workspace: Callable[..., Path], python: Path, tmp_path: Path, root: str, exit_code: int
) -> None:
    """A server tells its jobs so: who may ask it for a run may not read all that its user may."""
    command = f"PYTHONPATH=. {python} -m pytest -q -p no:cacheprovider"
    roots = {**SYSTEM, "TORRE_ROOTS": str(tmp_path / root)}
    assert torre("fix", workspace(FILES), "--check", command, "--json", extra=roots).exit_code == exit_code
