"""A sandbox whose jobs are served by a launcher: a process of its own that makes each job's view by mounts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from llm.domain import Isolation
from llm.errors import SandboxError, WorkspaceError
from llm.sandbox import wire
from llm.sandbox.diagnosis import explain
from llm.sandbox.opened import OpenedSandbox
from llm.sandbox.scope import scoped
from llm.sandbox.toolchain import Toolchain, assemble
from llm.sandbox.view import HOME, REPORT

_PACKAGE_ROOT = str(Path(__file__).parents[2])
_START = "import sys; sys.path.append({root!r}); from llm.sandbox.launcher import main; main({fd})"
_OF_A_JOB = ("/dev", "/proc")
"""What stands around a job mounts these anew, over what lies there."""
_FIXED = {"HOME": HOME, "TMPDIR": "/tmp", "TORRE_REPORT": REPORT}


@contextmanager
def launched(
    workspace: Path, binds: Iterable[Path], enclosure: str, command: list[str], isolation: Isolation
) -> Iterator[OpenedSandbox]:
    """A sandbox over `workspace` (absolute) in which each job is enclosed by a module of `enclosures/`, by this
    command. What is missing of the protection makes the isolation reduced; what else the machine lacks is said."""
    toolchain = toolchain_of(workspace, binds)
    plan = {
        "workspace": str(toolchain.workspace),
        "binds": toolchain.binds,
        "overlaid": toolchain.overlaid,
        "links": toolchain.links,
        "enclosure": enclosure,
        "command": command,
    }
    with _launcher(plan) as (server, found):
        kept = Isolation.REDUCED if found["missing"] else isolation
        said = (*found["missing"], *found["lacks"])
        yield OpenedSandbox(toolchain, _Server(server).hand_over, _FIXED, kept, said)


def toolchain_of(workspace: Path, binds: Iterable[Path]) -> Toolchain:
    """What a job over this workspace may read. WorkspaceError if it cannot be one."""
    resolved = workspace.resolve()
    if not resolved.is_dir() or resolved == Path("/"):
        raise WorkspaceError("workspace", f"{workspace} is not a directory that can be worked on")
    own = next((place for place in _OF_A_JOB if resolved.is_relative_to(place)), None)
    if own or Path(REPORT).is_relative_to(resolved):
        raise WorkspaceError(
            "workspace", f"{workspace} cannot be shown to a job, which has a {own or HOME} of its own"
        )
    return assemble(resolved, os.environ, Path.home(), binds)


class _Server:
    """The launcher's socket, for many threads."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._lock = Lock()

    def hand_over(self, descriptors: list[int]) -> None:
        try:
            with self._lock:
                socket.send_fds(self._server, [b"j"], descriptors)
        except OSError as error:
            raise SandboxError(f"the sandbox's launcher is gone: {error}") from error


@contextmanager
def _launcher(plan: dict[str, Any]) -> Iterator[tuple[socket.socket, dict[str, Any]]]:
    """A launcher, ready for jobs, and what it found here; gone, with all that it started, when this ends."""
    server, its_server = socket.socketpair()
    start = _START.format(root=_PACKAGE_ROOT, fd=its_server.fileno())
    command, env = scoped([sys.executable, "-I", "-S", "-c", start], os.environ)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # whoever reads what this process prints is not to wait for that one's end
        env=env,
        cwd="/",
        pass_fds=[its_server.fileno()],
        start_new_session=True,
    )
    its_server.close()
    with process, server:
        with suppress(BrokenPipeError):  # it is gone, which is seen by what it does not answer
            wire.send(server, plan)
        answer = wire.receive(server)
        if answer is None or "broken" in answer[0]:
            raise explain(answer[0]["broken"] if answer else "the sandbox's launcher died")
        yield server, answer[0]
