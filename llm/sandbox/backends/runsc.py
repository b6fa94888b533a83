"""Linux: the same view as bubblewrap's, and gVisor around the job: for `isolation: strong` in a policy."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from llm.domain import Isolation
from llm.errors import SandboxError
from llm.sandbox.base import Probe, Sandbox
from llm.sandbox.diagnosis import ASK, not_installed
from llm.sandbox.launched import launched
from llm.sandbox.probing import probe

_OPTIONS = ("--rootless", "--network=none", "--ignore-cgroups", "--host-fifo=open", "--oci-seccomp")
"""The supervisor's own group bounds the memory; the report is a fifo of the host's, made for this job."""


class Runsc:
    """Slower to start and at system calls; a hole in the host's kernel is not enough to get out."""

    name = "runsc"
    rank = 30
    gives = Isolation.STRONG
    purpose = "only `isolation: strong` needs it"

    def probe(self) -> Probe:
        """Run the real launcher once; cached by kernel, tool version and sysctls."""
        return probe(self.name, _version, self.open)

    def open(self, workspace: Path, binds: Iterable[Path] = ()) -> AbstractContextManager[Sandbox]:
        """A sandbox over `workspace` (absolute). `binds` are further host paths that jobs may read."""
        return launched(workspace, binds, "runsc", [_find(), *_OPTIONS], self.gives)


BACKEND = Runsc()


def _find() -> str:
    program = shutil.which("runsc")
    if program is None:
        raise not_installed("gVisor (runsc)", "runsc")
    return program


def _version() -> str:
    done = subprocess.run([_find(), "--version"], capture_output=True, text=True, env={}, check=False)
    if done.returncode != 0:
        raise SandboxError(f"runsc cannot be run: {done.stderr.strip()}", ASK)
    return done.stdout
