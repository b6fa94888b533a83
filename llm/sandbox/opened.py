"""A sandbox that is open on one workspace: a job becomes a request to a supervisor, and a conversation with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from llm.domain import Isolation
from llm.errors import SandboxError
from llm.sandbox.base import Completed, Job
from llm.sandbox.conversation import Conversation
from llm.sandbox.toolchain import Toolchain


class OpenedSandbox:
    """`hand_over` gives a supervisor a job's descriptors (stdin, stdout, stderr, control); on the control socket
    it then gets the request and answers with how the job ended. `fixed` are variables of every job's environment.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        hand_over: Callable[[list[int]], None],
        fixed: dict[str, str],
        isolation: Isolation,
        missing: Sequence[str],
    ) -> None:
        self.isolation = isolation
        self.missing = tuple(missing)
        self._toolchain = toolchain
        self._hand_over = hand_over
        self._fixed = fixed

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
        return {**dict(self._toolchain.environ), "PATH": path, "LANG": "C.UTF-8", **self._fixed, **job.env}


def _close(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)
