"""Every confinement test runs as whoever runs the tests and, under root, as an ordinary user as well."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits, Sandbox

ROOT = os.geteuid() == 0
USERS = ["own", "ordinary"] if ROOT else ["own"]
ORDINARY_UID = 12345
CHECKOUT = Path(__file__).parents[2]


class Runner:
    """Runs a shell or Python snippet in a sandbox over `workspace`, as one kind of user."""

    def __init__(self, workspace: Path, prefix: tuple[str, ...], environ: dict[str, str]) -> None:
        self.workspace = workspace
        self._prefix = prefix
        self._environ = environ

    def sh(self, script: str, **more: Any) -> dict[str, Any]:
        """The fields of Completed (texts) for `sh -c script`."""
        return self.run(["sh", "-c", script], **more)

    def python(self, script: str, **more: Any) -> dict[str, Any]:
        """The same for a Python script."""
        return self.run(["python3", "-c", script], **more)

    def run(self, argv: list[str], **more: Any) -> dict[str, Any]:
        """`more`: files, directory, env, limits, secrets (put in Torre's own environment)."""
        environ = {**self._environ, **more.pop("secrets", {})}
        request = json.dumps({"workspace": str(self.workspace), "argv": argv, **more})
        command = [*self._prefix, str(self._script)]
        done = subprocess.run(
            command, input=request, env=environ, capture_output=True, text=True, cwd="/", check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @property
    def _script(self) -> Path:
        return Path(self._environ["PYTHONPATH"], "tests", "sandbox", "one_job.py")


@pytest.fixture(scope="session")
def readable_copy() -> Iterator[Path]:
    """The package and the script where another user can read them."""
    with tempfile.TemporaryDirectory(prefix="torre-tests-") as folder:
        copy = Path(folder)
        leave_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / "llm", copy / "llm", ignore=leave_out)
        (copy / "tests" / "sandbox").mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "one_job.py", copy / "tests" / "sandbox")
        for place in [copy, *copy.rglob("*")]:
            place.chmod(0o755 if place.is_dir() else 0o644)
        for user in USERS:
            (copy / f"cache-{user}").mkdir()
            (copy / f"cache-{user}").chmod(0o777)
        yield copy


def ordinary_prefix() -> tuple[str, ...]:
    """A command line that runs a Python new enough as another user."""
    become = ("setpriv", f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}", "--clear-groups")
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        trial = (
            *become,
            python,
            "-c",
            "import os, sys; assert sys.version_info >= (3, 11) and os.access(sys.executable, os.X_OK)",
        )
        if subprocess.run(trial, capture_output=True, check=False, cwd="/").returncode == 0:
            return (*become, python, "-P")
    pytest.skip("no Python 3.11 that another user can read: install python3 by the system's packages")


@pytest.fixture(params=USERS)
def runner(request: pytest.FixtureRequest, readable_copy: Path) -> Iterator[Runner]:
    """A sandbox over a workspace in a 0700 directory that holds a secret beside it."""
    ordinary = request.param == "ordinary"
    prefix = ordinary_prefix() if ordinary else (sys.executable, "-P")
    with tempfile.TemporaryDirectory(prefix="torre-private-", dir="/var/tmp") as folder:
        home = Path(folder) / "home"
        workspace = home / "work"
        workspace.mkdir(parents=True)
        (home / "secret.txt").write_text("canary")
        (workspace / "a.txt").write_text("a")
        home.chmod(0o700)
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "PYTHONPATH": str(readable_copy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(readable_copy / f"cache-{request.param}"),
        }
        if ordinary:
            for place in [Path(folder), *Path(folder).rglob("*")]:
                os.chown(place, ORDINARY_UID, ORDINARY_UID)
        yield Runner(workspace, prefix, environ)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small workspace."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "a.txt").write_text("a")
    return tmp_path / "ws"


@pytest.fixture
def sandbox(workspace: Path) -> Iterator[Sandbox]:
    """An open sandbox over it."""
    with open_sandbox(workspace) as opened:
        yield opened


def sh(script: str, **more: Any) -> Job:
    """A shell job that cannot hang the tests."""
    more.setdefault("limits", Limits(wall_s=30))
    return Job(("sh", "-c", script), **more)
