"""Linux where user namespaces are forbidden: a copy of the workspace for each job, Landlock, and a supervised
system call filter, by the Python package `sandlock`."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from llm.domain import Isolation
from llm.errors import SandboxError
from llm.sandbox.base import Probe, Sandbox
from llm.sandbox.landlock import privileges
from llm.sandbox.landlock.sandbox import RelocatedSandbox
from llm.sandbox.launched import toolchain_of
from llm.sandbox.probing import probe

_LANDLOCK = 6
_PIDFD_GETFD, _CREATE_RULESET, _ASK_VERSION = 438, 444, 1
_MISSING = (
    "namespaces (of a file or a process of the host's that it knows by name, a job sees that it exists)",
    "bounds on threads, files and disk that hold at once (they are counted, and the job is ended)",
    "a network and a /dev/shm of the job's own (a test that listens on localhost fails)",
    "a control group for memory, which is sampled instead",
)
_NO_OTHER_USER = "a user of the job's own (root may not change its user here; capabilities it has none)"


class Sandlock:
    """The second line: labelled reduced, and taken only where a policy accepts that."""

    name = "sandlock"
    rank = 20
    gives = Isolation.REDUCED
    purpose = "the way where user namespaces are forbidden"

    def probe(self) -> Probe:
        """Run a real job once; cached by kernel, package version and sysctls."""
        return probe(self.name, lambda: f"{_package()} {_package().stat().st_mtime_ns}", self.open)

    def open(self, workspace: Path, binds: Iterable[Path] = ()) -> AbstractContextManager[Sandbox]:
        """A sandbox over `workspace` (absolute). `binds` are further host paths that jobs may read."""
        return _opened(workspace, binds, self.gives)


BACKEND = Sandlock()


@contextmanager
def _opened(workspace: Path, binds: Iterable[Path], isolation: Isolation) -> Iterator[Sandbox]:
    package = _package()
    if _landlock() < _LANDLOCK:
        raise SandboxError(
            "sandlock needs Landlock, version 6 or later", "use Linux 6.12 or later, with Landlock on"
        )
    if _is_refused(_PIDFD_GETFD):
        raise SandboxError(
            "a system call filter refuses pidfd_getfd, which sandlock needs,"
            " as in a container without CAP_SYS_PTRACE",
            "start the container with --cap-add SYS_PTRACE",
        )
    missing = (*_MISSING, *([_NO_OTHER_USER] if privileges.successor()[0] == 0 else []))
    yield RelocatedSandbox(toolchain_of(workspace, binds), [str(package.parents[1])], isolation, missing)


def _package() -> Path:
    found = find_spec("sandlock")
    if found is None or found.origin is None:
        raise SandboxError("the Python package sandlock is not installed", "pip install 'torre-llm[sandlock]'")
    return Path(found.origin)


def _is_refused(call: int) -> bool:
    """Whether a filter stands before a call; one without a descriptor would only be wrong."""
    return ctypes.CDLL(None, use_errno=True).syscall(call, -1, -1, 0) < 0 and ctypes.get_errno() != errno.EBADF


def _landlock() -> int:
    """The version of Landlock that this kernel lets us use, negative if none."""
    return int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))
