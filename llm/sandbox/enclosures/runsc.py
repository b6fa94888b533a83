"""gVisor's runsc: the job's system calls are answered by a kernel of its own, a program that the host confines.

An OCI bundle is written for each job, whose root is the prepared view. runsc starts in a user namespace where the
job's uid is 0, as its rootless mode wants; the job is that uid too, without capabilities.
"""

# ruff: noqa: PTH112, PTH123
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from llm.sandbox import memory, mounts, seccomp
from llm.sandbox.enclosures import Mounted, signal_of

_FAILED = 128
_MEMORY = "runsc-memory"
_EXIT_CODES = (
    (r"error finding executable", 127),
    (r"failed to load .*: no such file", 127),
    (r"creating working directory", 127),
    (r"failed to load .*: permission denied", 126),
)
"""What runsc says of a command that cannot be started, and the exit code a shell would give for it."""
_MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "dev", "source": "dev"},
)


class Runsc(Mounted):
    """Its log says what failed before the job; the job has no way to write to it."""

    name = "runsc"
    _kernel = 0

    def execute(self) -> NoReturn:
        """Become runsc, in a user namespace whose only user is the job's."""
        directory = self.request["directory"]
        if not os.path.isdir(self.template.root_folder + directory):  # runsc would make it
            raise NotADirectoryError(f"Can't chdir to {directory}")
        bundle = self.template.folder_for_enclosure()
        with open(f"{bundle}/config.json", "w") as f:
            json.dump(self._configuration(), f)
        os.set_inheritable(self.telling, True)
        mounts.become_root_of_new_namespace()
        program, *options = self.command
        options += [f"--root={bundle}", f"--log-fd={self.telling}", "--log-format=json"]
        command = [program, *options, "run", f"--bundle={bundle}", f"torre-{os.getpid()}"]
        os.execve(program, [os.fsencode(word) for word in command], {})

    def _configuration(self) -> dict[str, Any]:
        request = self.request
        limits = {"NPROC": request["processes"], "FSIZE": request["disk_bytes"], "NOFILE": 65536, "CORE": 1}
        process = {
            "user": {"uid": 0, "gid": 0},
            "args": request["argv"],
            "env": [f"{name}={value}" for name, value in request["env"].items()],
            "cwd": request["directory"],
            "noNewPrivileges": True,
            "capabilities": {},
            "rlimits": [{"type": f"RLIMIT_{name}", "soft": most, "hard": most} for name, most in limits.items()],
        }
        shm = {"destination": "/dev/shm", "type": "tmpfs", "options": [f"size={request['disk_bytes']}"]}
        return {
            "ociVersion": "1.0.2",
            "process": process,
            "root": {"path": self.template.root_folder},
            "hostname": "torre",
            "mounts": [*_MOUNTS, shm],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
                "seccomp": seccomp.oci_profile(),
            },
        }

    def memory_bytes(self, pid: int) -> int:
        """The job's memory lies in a file of its kernel's, most of it mapped nowhere."""
        with contextlib.suppress(OSError):  # it has ended, or is not for us to look at: see `missing`
            self._kernel = self._kernel or _kernel_among(memory.descendants(pid))
            return memory.allocated_bytes(self._kernel, _MEMORY) + memory.private_bytes(pid)
        return memory.private_bytes(pid)

    def outcome(self, status: int) -> dict[str, Any]:
        """The job's exit code is runsc's, unless its log says that there was no job."""
        signal = signal_of(status)
        code = os.waitstatus_to_exitcode(status)
        if code == _FAILED and self.heard:
            return _not_started(self.heard.decode(errors="replace"))
        return {"exit": None if signal else code, "started": True, "signal": signal}


ENCLOSURE = Runsc


def missing(sampled: bool) -> list[str]:
    """Who has given up root may not look at the memory of runsc."""
    return ["a bound on memory"] if sampled and os.geteuid() == 0 else []


def _kernel_among(pids: Iterable[int]) -> int:
    """The process that has the job's memory open, 0 before it does."""
    return next((pid for pid in pids if memory.allocated_bytes(pid, _MEMORY)), 0)


def _not_started(log: str) -> dict[str, Any]:
    said = [json.loads(line)["msg"] for line in log.replace("}{", "}\n{").splitlines()]
    for pattern, code in _EXIT_CODES:
        if any(re.search(pattern, each) for each in said):
            return {"exit": code, "started": True}
    return {"broken": f"runsc: {said[0]}"}
