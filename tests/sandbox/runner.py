"""Jobs run by a Torre of its own process, as whoever runs this and, under root, as an ordinary user as well."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = os.geteuid() == 0
USERS = ["own", "ordinary"] if ROOT else ["own"]
ORDINARY_UID = 12345
CHECKOUT = Path(__file__).parents[2]
_PYTHONS = (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")
_NEW_ENOUGH = "import os, sys; assert sys.version_info >= (3, 11) and os.access(sys.executable, os.X_OK)"


class Runner:
    """Runs commands in a sandbox over `workspace`, as one kind of user, at this isolation."""

    def __init__(self, workspace: Path, prefix: Sequence[str], environ: dict[str, str], least: str) -> None:
        self.least = least
        self.workspace = workspace
        self.environ = environ
        self.prefix = tuple(prefix)
        """The command line of this user's Python."""

    def sh(self, script: str, **more: Any) -> dict[str, Any]:
        """The fields of Completed (texts) for `sh -c script`."""
        return self.run(["sh", "-c", script], **more)

    def python(self, script: str, **more: Any) -> dict[str, Any]:
        """The same for a Python script."""
        return self.run(["python3", "-c", script], **more)

    def run(self, argv: list[str], **more: Any) -> dict[str, Any]:
        """`more`: files, directory, env, limits, secrets (put in Torre's own environment)."""
        secrets = more.pop("secrets", {})
        (answer,) = self.run_all([{"argv": argv, **more}], secrets)
        return answer

    def run_all(
        self, jobs: Sequence[dict[str, Any]], secrets: dict[str, str] | None = None, width: int = 1
    ) -> list[dict[str, Any]]:
        """Several jobs in one sandbox, `width` at once; `secrets` are variables of Torre's own environment."""
        asked = {"workspace": str(self.workspace), "jobs": list(jobs), "width": width, "least": self.least}
        request = json.dumps(asked)
        script = Path(self.environ["PYTHONPATH"], "tests", "sandbox", "one_job.py")
        done = subprocess.run(
            [*self.prefix, str(script)],
            input=request,
            env={**self.environ, **(secrets or {})},
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers


@contextmanager
def readable_package() -> Iterator[Path]:
    """The package and the script where another user can read them."""
    with tempfile.TemporaryDirectory(prefix="torre-tests-") as folder:
        copy = Path(folder)
        shutil.copytree(CHECKOUT / "llm", copy / "llm", ignore=shutil.ignore_patterns("__pycache__"))
        (copy / "tests" / "sandbox").mkdir(parents=True)
        for script in ("one_job.py", "contained.py"):
            shutil.copy(Path(__file__).with_name(script), copy / "tests" / "sandbox")
        for place in [copy, *copy.rglob("*")]:
            place.chmod(0o755 if place.is_dir() else 0o644)
        for user in (*USERS, "rootless"):
            (copy / f"cache-{user}").mkdir()
            (copy / f"cache-{user}").chmod(0o777)
        yield copy


@contextmanager
def running_as(user: str, package: Path, least: str = "full") -> Iterator[Runner]:
    """A sandbox over a workspace in a 0700 directory that holds a secret beside it. The user: `own`, `ordinary`,
    or `rootless`: an ordinary one who is root of a container, as podman has it."""
    prefix = _prefix(user, package)
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
            "PYTHONPATH": str(package),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(package / f"cache-{user}"),
        }
        give_away(Path(folder), "ordinary" if "setpriv" in prefix else user)
        yield Runner(workspace, prefix, environ, least)


def give_away(place: Path, user: str) -> None:
    """Make the ordinary user the owner of a tree, links themselves included."""
    if user == "ordinary":
        for each in [place, *place.rglob("*")]:
            os.chown(each, ORDINARY_UID, ORDINARY_UID, follow_symlinks=False)


def _prefix(user: str, package: Path) -> tuple[str, ...]:
    own = (sys.executable, "-P")
    if user == "own":
        return own
    ordinary = ordinary_prefix() if ROOT else own
    if user == "ordinary":
        return ordinary
    return (*ordinary, str(package / "tests" / "sandbox" / "contained.py"), user, *ordinary[-2:])


def ordinary_prefix() -> tuple[str, ...]:
    """A command line that runs a Python new enough as another user."""
    become = ("setpriv", f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}", "--clear-groups")
    for python in _PYTHONS:
        trial = subprocess.run((*become, python, "-c", _NEW_ENOUGH), capture_output=True, check=False, cwd="/")
        if trial.returncode == 0:
            return (*become, python, "-P")
    raise LookupError("no Python 3.11 that another user can read: install python3 by the system's packages")
