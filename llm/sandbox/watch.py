"""A job's program from its start to its end, and the end of all that it left behind."""

# ruff: noqa: PTH123
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import os
import resource
import select
import signal
from typing import Any

from llm.sandbox import memory
from llm.sandbox.enclosures import Enclosure

_SAMPLE_MS = 10


class Watch:
    """Waits for the enclosed job's end, for a word from outside (Torre closes `control`, or the launcher sounds
    the alarm), or for the memory limit, whichever is first."""

    def __init__(self, enclosure: Enclosure, control: int, alarm: int, group: memory.Group | None) -> None:
        self._enclosure = enclosure
        self._control = control
        self._alarm = alarm
        self._group = group
        self._kernel = None if group else memory.KernelShare.now()

    def run(self, stdio: tuple[int, int, int]) -> dict[str, Any]:
        """Start it, wait for its end, and kill whatever is left. Closes `stdio`."""
        pid = os.fork()
        if pid == 0:
            self._become(stdio)
        self._enclosure.begun()
        for fd in stdio:
            os.close(fd)
        try:
            outcome = self._wait(pid)
        finally:
            kill_all()
        if self._group and self._group.oom_killed():
            return {**outcome, "oom": True}
        return outcome

    def _become(self, stdio: tuple[int, int, int]) -> None:
        try:
            if self._group:
                self._group.enter()
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            for number, fd in enumerate(stdio):
                os.dup2(fd, number)
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
            self._enclosure.execute()
        except OSError as error:
            os.write(2, f"{self._enclosure.name}: {error}\n".encode())
        finally:
            os._exit(127)

    def _wait(self, pid: int) -> dict[str, Any]:
        pidfd = os.pidfd_open(pid)
        poll = select.poll()
        for fd in (self._control, self._alarm, pidfd, self._enclosure.told):
            poll.register(fd, select.POLLIN)
        while True:
            ready = dict(poll.poll(_SAMPLE_MS))
            if self._enclosure.told in ready and not self._enclosure.hear():
                poll.unregister(self._enclosure.told)
            if ready.get(self._alarm) == select.POLLHUP:
                return {"broken": "the sandbox's launcher died"}
            if self._control in ready or self._alarm in ready:
                return {"exit": None, "started": True}
            if pidfd in ready:
                self._enclosure.hear()
                return self._enclosure.outcome(os.waitpid(pid, 0)[1])
            if self._out_of_memory(pid):
                return {"exit": None, "started": True, "oom": True}

    def _out_of_memory(self, pid: int) -> bool:
        if self._group:
            return self._group.oom_killed()
        most = int(self._enclosure.request["memory_bytes"])
        return self._enclosure.memory_bytes(pid) > most or bool(self._kernel and self._kernel.exceeds(most, pid))


def kill_all() -> None:
    """SIGKILL every descendant until none is left; orphans have become children, so that none is missed."""
    while True:
        children = _children()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        try:
            for pid in children:  # by name: an orphan that arrives meanwhile has not been killed yet
                os.waitpid(pid, 0)
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return


def kill_orphans(spared: set[int]) -> None:
    """The same to every child but these and what is below them, whose own it is."""
    while orphans := set(_children()) - spared:
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as f:
        return [int(pid) for pid in f.read().split()]
