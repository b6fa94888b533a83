"""The one place outside the sandbox that starts a process: `git apply` on a single file in a private directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_TIMEOUT_S = 5.0
_FORGIVING = ("--recount", "--ignore-whitespace", "--whitespace=nowarn")


def apply_forgiving(hunks: bytes, content: bytes) -> bytes | None:
    """`content` with `hunks` applied by git: first with all of the context, then with one line of it.

    None where git is missing, too slow, or refuses. Git sees a file of a neutral name in an empty directory,
    so that neither the diff's paths nor a repository around can mislead it.
    """
    program = _git()
    if not program:
        return None
    patch = b"--- a/file\n+++ b/file\n" + hunks
    for extra in ((), ("-C1",)):
        with tempfile.TemporaryDirectory(prefix="torre-") as directory:
            file = Path(directory, "file")
            file.write_bytes(content)
            if _run((program, "apply", *_FORGIVING, *extra, "-"), patch, directory):
                return file.read_bytes()
    return None


def _run(argv: tuple[str, ...], stdin: bytes, directory: str) -> bool:
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            cwd=directory,
            env=_environment(directory),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _environment(directory: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": directory,
        "LC_ALL": "C",
        "GIT_CEILING_DIRECTORIES": str(Path(directory).resolve().parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def _git() -> str:
    """Absolute path of git, "" where it is missing. A relative entry of PATH could be the workspace's own."""
    found = shutil.which("git") or ""
    return found if Path(found).is_absolute() else ""
