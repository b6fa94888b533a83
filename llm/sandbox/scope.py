"""A systemd scope of the user's own around the launcher: the way to a memory limit for who is not root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_TRIAL_S = 5.0
_NEEDED = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def scoped(command: list[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command and its environment: inside a delegated scope where the user's systemd gives one, else as it is.

    The command itself gets an empty environment either way. Whether its group really bounds memory is tried by the
    launcher.
    """
    program = shutil.which("systemd-run", path=environ.get("PATH", ""))
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0 or program is None or not Path(runtime, "systemd", "private").exists():
        return command, {}
    needed = {name: environ[name] for name in _NEEDED if name in environ}
    prefix = [program, "--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes", "--"]
    if not _works(tuple(prefix), tuple(needed.items())):
        return command, {}
    return [*prefix, "/usr/bin/env", "-i", *command], needed


@cache
def _works(prefix: tuple[str, ...], environ: tuple[tuple[str, str], ...]) -> bool:
    try:
        done = subprocess.run(
            [*prefix, "/usr/bin/env", "true"],
            env=dict(environ),
            capture_output=True,
            check=False,
            timeout=_TRIAL_S,
        )
    except subprocess.TimeoutExpired:  # a manager that does not answer
        return False
    return done.returncode == 0
