"""bubblewrap: namespaces of the job's own, no capabilities, and a system call filter."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from typing import Any, NoReturn

from llm.sandbox import seccomp
from llm.sandbox.enclosures import Mounted, lower, signal_of


class Bwrap(Mounted):
    """bwrap is held at its start until the first process inside has got its process limit."""

    name = "bwrap"

    def __init__(self, *facts: Any) -> None:
        super().__init__(*facts)
        self._gate, self._gate_end = os.pipe()

    def execute(self) -> NoReturn:
        """Become bwrap, which becomes the job."""
        request = self.request
        lower(resource.RLIMIT_FSIZE, request["disk_bytes"])
        lower(resource.RLIMIT_NOFILE, 65536)
        command = [*self.command, *self.template.bwrap_arguments(), *self._descriptors()]
        command += [word for pair in request["env"].items() for word in ("--setenv", *pair)]
        command += ["--chdir", request["directory"], "--", *request["argv"]]
        os.execve(command[0], [os.fsencode(word) for word in command], {})

    def _descriptors(self) -> list[str]:
        options = {"--json-status-fd": self.telling, "--block-fd": self._gate}
        filter_ = seccomp.program(self.sampled)
        if filter_:
            options["--seccomp"], end = os.pipe()
            os.write(end, filter_)
            os.close(end)
        for fd in options.values():
            os.set_inheritable(fd, True)
        return [word for option, fd in options.items() for word in (option, str(fd))]

    def begun(self) -> None:
        """In the supervisor, after the fork."""
        super().begun()
        os.close(self._gate)

    def hear(self) -> bool:
        """What bwrap has told so far. Once it names the inner init, that gets its process limit and may go on."""
        more = super().hear()
        child = _facts(self.heard).get("child-pid")
        if child and self._gate_end >= 0:
            limit = self.request["processes"]
            with contextlib.suppress(ProcessLookupError, BrokenPipeError):  # it failed, and says why by itself
                resource.prlimit(child, resource.RLIMIT_NPROC, (limit, limit))
                os.write(self._gate_end, b"+")
            os.close(self._gate_end)
            self._gate_end = -1
        return more

    def outcome(self, status: int) -> dict[str, Any]:
        """By bwrap's own word: what exits may be bwrap, and not the job."""
        facts = _facts(self.heard)
        signal = signal_of(status)
        return {"exit": facts.get("exit-code"), "started": "exit-code" in facts or bool(signal), "signal": signal}


ENCLOSURE = Bwrap


def missing(sampled: bool) -> list[str]:
    """What of its protection cannot be had on this machine."""
    return [] if seccomp.program(sampled) else ["a system call filter for this machine"]


def _facts(told: bytes) -> dict[str, int]:
    """bwrap's status lines merged into one; a line that is not complete yet is left for later."""
    facts: dict[str, int] = {}
    for line in told.split(b"\n")[:-1]:
        facts.update(json.loads(line))
    return facts
