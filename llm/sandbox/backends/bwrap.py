"""Linux: user and mount namespaces, an overlay on a sized tmpfs, and bubblewrap around the job."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from llm.domain import Isolation
from llm.sandbox.base import Probe, Sandbox
from llm.sandbox.diagnosis import not_installed
from llm.sandbox.launched import launched
from llm.sandbox.probing import probe

_CONFINE = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
_CONFINE += ["--cap-drop", "ALL", "--clearenv", "--hostname", "torre"]
_DISABLES_USERNS = (0, 8)


class Bwrap:
    """The primary backend."""

    name = "bwrap"
    rank = 10
    gives = Isolation.FULL
    purpose = ""

    def probe(self) -> Probe:
        """Run the real launcher once; cached by kernel, tool version and sysctls."""
        return probe(self.name, lambda: "{} {}".format(*_find_bwrap()), self.open)

    def open(self, workspace: Path, binds: Iterable[Path] = ()) -> AbstractContextManager[Sandbox]:
        """A sandbox over `workspace` (absolute). `binds` are further host paths that jobs may read."""
        program, version = _find_bwrap()
        closed = ["--disable-userns"] if version >= _DISABLES_USERNS else []
        return launched(workspace, binds, "bwrap", [program, *_CONFINE, *closed], self.gives)


BACKEND = Bwrap()


def _find_bwrap() -> tuple[str, tuple[int, ...]]:
    """Where bwrap is, and its version. SandboxError with the distribution's command if it is missing."""
    program = shutil.which("bwrap")
    if program is None:
        raise not_installed()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env={}, check=False).stdout
    return program, tuple(int(part) for part in re.findall(r"\d+", said))
