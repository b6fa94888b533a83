"""What stands around a job, and here, one a file, around one in a view that was mounted for it: a program that is
started there, and how it tells of the job's end. Runs in the supervisor: nothing but the standard library.

A module here has `ENCLOSURE`, a class derived from `Mounted`, and `missing(sampled)`: what of its protection
cannot be had on this machine, in words for the report.
"""

from __future__ import annotations

import os
import resource
from typing import Any, NoReturn

from llm.sandbox import memory
from llm.sandbox.view import Template

_CHUNK = 4096


class Enclosure:
    """One job's, from its start to its end."""

    name = ""
    """In front of what goes wrong before the program runs."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.told, self.telling = os.pipe()
        """The program tells of the job by one end; whoever waits for it watches the other."""
        self.heard = b""

    def execute(self) -> NoReturn:
        """In the job's own process, with its streams in place: become the program. OSError if that fails."""
        raise NotImplementedError

    def begun(self) -> None:
        """In the supervisor, after the fork."""
        os.close(self.telling)
        os.set_blocking(self.told, False)

    def hear(self) -> bool:
        """Read what has been told so far, without waiting; False once the program has closed its end."""
        try:
            chunk = os.read(self.told, _CHUNK)
        except BlockingIOError:
            return True
        self.heard += chunk
        return bool(chunk)

    def memory_bytes(self, pid: int) -> int:
        """What the job holds of the machine's memory; asked where no control group bounds it."""
        return memory.resident_bytes(pid)

    def outcome(self, status: int) -> dict[str, Any]:
        """By waitpid's status and what was heard: `exit` (None: killed) and `started`; `signal` if one ended it;
        `broken` says why the program itself failed."""
        raise NotImplementedError


class Mounted(Enclosure):
    """In the template's view. `command` is the backend's; `sampled`: memory has no control group."""

    def __init__(self, command: list[str], request: dict[str, Any], template: Template, sampled: bool) -> None:
        super().__init__(request)
        self.command = command
        self.template = template
        self.sampled = sampled


def lower(kind: int, most: int) -> None:
    """Both limits of this process, of a `resource.RLIMIT_` kind, as far as they are higher."""
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def signal_of(status: int) -> int:
    """The signal that ended a process, 0 for none."""
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
