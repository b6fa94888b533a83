"""Linux: user and mount namespaces, an overlay on a sized tmpfs, and bubblewrap around the job."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from llm.domain import Isolation
from llm.errors import SandboxError, WorkspaceError
from llm.sandbox import wire
from llm.sandbox.base import Completed, Job, Probe
from llm.sandbox.conversation import Conversation
from llm.sandbox.diagnosis import explain, not_installed
from llm.sandbox.probing import probe
from llm.sandbox.scope import scoped
from llm.sandbox.toolchain import Toolchain, assemble
from llm.sandbox.view import HOME, REPORT

_PACKAGE_ROOT = str(Path(__file__).parents[3])
_START = "import sys; sys.path.append({root!r}); from llm.sandbox.launcher import main; main({fd})"
_CONFINE = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
_CONFINE += ["--cap-drop", "ALL", "--clearenv", "--hostname", "torre"]


_DISABLES_USERNS = (0, 8)


class BwrapSandbox:
    """One workspace, served by one launcher process."""

    def __init__(self, server: socket.socket, toolchain: Toolchain, found: dict[str, Any]) -> None:
        sampled = ["a control group for memory, which is sampled instead"] if found["memory"] == "sampled" else []
        self.isolation = Isolation.REDUCED if found["missing"] else Isolation.FULL
        self.missing: tuple[str, ...] = (*found["missing"], *sampled)
        """Sampled memory counts as full all the same, but is said."""
        self._server = server
        self._server_lock = Lock()
        self._toolchain = toolchain

    def find(self, program: str, directory: str = ".") -> str | None:
        """Absolute path at which a job would find a program (the workspace's own first), or None."""
        return self._toolchain.find(program, directory)

    def execute(self, job: Job) -> Completed:
        """Run a job to its end. Raises SandboxError if the sandbox itself breaks, never for a failing job."""
        request, payload = self._request(job)
        control, its_control = socket.socketpair()
        stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
        ours, theirs = [stdin[1], stdout[0], stderr[0]], [stdin[0], stdout[1], stderr[1]]
        try:
            self._hand_over([*theirs, its_control.fileno()])
        except SandboxError:
            control.close()
            _close(ours)
            raise
        finally:
            its_control.close()
            _close(theirs)
        return Conversation(job, control, *ours).run(request, payload)

    def _hand_over(self, descriptors: list[int]) -> None:
        try:
            with self._server_lock:
                socket.send_fds(self._server, [b"j"], descriptors)
        except OSError as error:
            raise SandboxError(f"the sandbox's launcher is gone: {error}") from error

    def _request(self, job: Job) -> tuple[dict[str, Any], bytes]:
        files = [
            [path, None if text is None else len(text), path in job.executable] for path, text in job.files.items()
        ]
        request = {
            "argv": list(job.argv),
            "directory": os.path.normpath(self._toolchain.workspace / job.directory),
            "env": self._environment(job),
            "files": files,
            "disk_bytes": job.limits.disk_bytes,
            "inodes": job.limits.inodes,
            "memory_bytes": job.limits.memory_bytes,
            "processes": job.limits.processes,
        }
        return request, b"".join(content for content in job.files.values() if content)

    def _environment(self, job: Job) -> dict[str, str]:
        """Built from nothing: no variable of the host's enters."""
        path = ":".join(p for p in self._toolchain.path(job.directory) if ":" not in p)
        fixed = {"PATH": path, "HOME": HOME, "LANG": "C.UTF-8", "TMPDIR": "/tmp", "TORRE_REPORT": REPORT}
        return {**dict(self._toolchain.environ), **fixed, **job.env}


class Bwrap:
    """The primary backend."""

    name = "bwrap"
    rank = 10

    def probe(self) -> Probe:
        """Run the real launcher once; cached by kernel, tool version and sysctls."""
        if sys.platform != "linux":
            return Probe(self.name, Isolation.NONE, "this backend is for Linux")
        try:
            program, version = _find_bwrap()
        except SandboxError as error:
            return Probe(self.name, Isolation.NONE, str(error), error.remedy)
        return probe(self.name, f"{program} {version}", self.open)

    @contextmanager
    def open(self, workspace: Path, binds: Iterable[Path] = ()) -> Iterator[BwrapSandbox]:
        """A sandbox over `workspace` (absolute). `binds` are further host paths that jobs may read."""
        resolved = workspace.resolve()
        if not resolved.is_dir() or resolved == Path("/"):
            raise WorkspaceError("workspace", f"{workspace} is not a directory that can be worked on")
        toolchain = assemble(resolved, os.environ, Path.home(), binds)
        program, version = _find_bwrap()
        closed = version >= _DISABLES_USERNS
        plan = {
            "workspace": str(resolved),
            "binds": toolchain.binds,
            "overlaid": toolchain.overlaid,
            "links": toolchain.links,
            "bwrap": [program, *_CONFINE, *(["--disable-userns"] if closed else [])],
        }
        with _launched(plan) as (server, found):
            yield BwrapSandbox(server, toolchain, found)


BACKEND = Bwrap()


def _find_bwrap() -> tuple[str, tuple[int, ...]]:
    """Where bwrap is, and its version. SandboxError with the distribution's command if it is missing."""
    program = shutil.which("bwrap")
    if program is None:
        raise not_installed()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env={}, check=False).stdout
    return program, tuple(int(part) for part in re.findall(r"\d+", said))


def _close(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)


@contextmanager
def _launched(plan: dict[str, Any]) -> Iterator[tuple[socket.socket, dict[str, Any]]]:
    """A launcher, ready for jobs, and what it found here; gone, with all that it started, when this ends."""
    server, its_server = socket.socketpair()
    start = _START.format(root=_PACKAGE_ROOT, fd=its_server.fileno())
    command, env = scoped([sys.executable, "-I", "-S", "-c", start], os.environ)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=env, cwd="/", pass_fds=[its_server.fileno()], start_new_session=True
    )
    its_server.close()
    with process, server:
        wire.send(server, plan)
        answer = wire.receive(server)
        if answer is None or "broken" in answer[0]:
            raise explain(answer[0]["broken"] if answer else "the sandbox's launcher died")
        yield server, answer[0]
