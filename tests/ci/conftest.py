"""A change on top of a base branch, checked out as a CI system does it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import environment

Files = Mapping[str, str]
Checkout = Callable[[Files, Files], Path]
RUFF = {"pyproject.toml": "[tool.ruff.lint]\nselect = ['F401']\n"}
RED = {**RUFF, "app.py": "import os\n\n\ndef double(n):\n    return n * 2\n"}
POLICY = ".torre/providers.yaml"
BROKEN = "alowed: []\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A user with a name for git, and no configuration."""
    roles = ("AUTHOR", "COMMITTER")
    who = {f"GIT_{role}_{what}": "dev@example.com" for role in roles for what in ("NAME", "EMAIL")}
    given = environment(tmp_path / "state", GIT_CONFIG_GLOBAL=os.devnull, **who)
    return {**given, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def checkout(tmp_path: Path, env: dict[str, str]) -> Checkout:
    """Makes a checkout of `change` on top of `base`, which it knows by its remote only."""

    def git(place: Path, *words: str) -> None:
        subprocess.run(["git", *words], cwd=place, check=True, env=env)

    def commit(place: Path, files: Files) -> None:
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        git(place, "add", "--all", "--force")
        git(place, "commit", "--quiet", "--message", "change")

    def made(base: Files, change: Files) -> Path:
        origin, work = tmp_path / "origin", tmp_path / "work"
        git(tmp_path, "init", "--quiet", "-b", "main", str(origin))
        commit(origin, base)
        git(tmp_path, "clone", "--quiet", str(origin), str(work))
        commit(work, change)
        git(work, "update-ref", "-d", "refs/remotes/origin/main")
        return work

    return made
