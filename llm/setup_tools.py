"""Tools that Torre keeps for itself in its data directory, put there by `torre setup NAME`.

Only one so far: a TypeScript with a language service (`createLanguageService`), which npm's latest no longer has.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - `torre setup` runs npm for the user, on the host and outside any workspace
from collections.abc import Mapping
from pathlib import Path

from llm.errors import TorreError
from llm.sandbox.toolchain import typescript_home

__all__ = ["TYPESCRIPT_VERSION", "install_typescript", "typescript_home"]

TYPESCRIPT_VERSION = "6.0.3"
_INSTALL_TIMEOUT_S = 300.0


def install_typescript(environ: Mapping[str, str] = os.environ) -> Path:
    """Install the pinned TypeScript with npm; its home. Without npm or network: TorreError in npm's words.

    No package script runs, and npm works in the home itself: no workspace's `.npmrc` is read.
    """
    npm = shutil.which("npm", path=environ.get("PATH"))
    if npm is None:
        raise TorreError("torre setup typescript needs npm, which is not on PATH: install Node.js 18 or later")
    home = typescript_home(environ)
    home.mkdir(parents=True, exist_ok=True)
    argv = [npm, "install", f"typescript@{TYPESCRIPT_VERSION}", "--prefix", str(home)]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            [*argv, *quiet],
            cwd=home,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as slow:
        raise TorreError(f"npm did not answer within {_INSTALL_TIMEOUT_S:.0f} s: is there a network?") from slow
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise TorreError(
            f"npm could not install typescript@{TYPESCRIPT_VERSION} (exit {done.returncode}): {words}"
        )
    return home
