"""The process that Torre starts once an opened sandbox: it builds the view's template and forks a job each time.

Single-threaded on purpose (user namespaces and forks want that), standard library only, in a session of its
own so that the terminal's Ctrl-C reaches Torre and not this. It ends when Torre closes the socket or dies.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from importlib import import_module

from llm.sandbox import memory, mounts, wire
from llm.sandbox.supervisor import Confinement, stand_by
from llm.sandbox.view import Template
from llm.sandbox.watch import kill_orphans

_SAMPLED = "a control group for memory, which is sampled instead"
_NOT_SHOWN = "what is mounted at {}, inside the workspace (jobs see the folder beneath it)"
_NO_REMOVAL = "the removal of the workspace's own directories, which needs Linux 6.6 (or root)"


def main(fd: int) -> None:
    """Serve on an inherited socket until its other end closes."""
    os.umask(0o022)
    with socket.socket(fileno=fd) as server:
        opening = wire.receive(server)
        if opening is None:
            return
        plan = opening[0]
        module = import_module(f"llm.sandbox.enclosures.{plan['enclosure']}")  # the view's stage may cover it
        inside = mounts.beneath(plan["workspace"])
        try:
            template = Template(plan)
        except OSError as error:
            wire.send(server, {"broken": str(error)})
            return
        kind = memory.find_kind()
        lacks = [*([] if kind else [_SAMPLED]), *([] if template.removes_directories() else [_NO_REMOVAL])]
        lacks += [_NOT_SHOWN.format(place) for place in inside]
        wire.send(server, {"missing": module.missing(kind is None), "lacks": lacks})
        alarm, alarm_end = os.pipe()
        serve(server, template, Confinement(module.ENCLOSURE, plan["command"], kind, alarm), alarm_end)


def serve(server: socket.socket, template: Template, confinement: Confinement, alarm_end: int) -> None:
    """Hand each request (its descriptors: stdin, stdout, stderr, control) to a supervisor, until Torre is gone.
    The alarm is closed at the end, which each supervisor sees."""
    mounts.become_subreaper()  # for what a supervisor leaves that the kernel kills for want of memory
    supervisors = Supervisors(template, confinement, not_for_them=(server.fileno(), alarm_end))
    while True:
        ready, _, _ = select.select([server.fileno(), *supervisors.pidfds], [], [])
        supervisors.reap(set(ready))
        if server.fileno() not in ready:
            continue
        message, fds, _, _ = socket.recv_fds(server, 1, 4)
        if not message:
            break
        supervisors.hand_over(fds)
    os.write(alarm_end, b"e")  # an end without it is the death of this process
    os.close(alarm_end)
    supervisors.close()


class Supervisors:
    """One for each job that runs, and one that stands by with its mounts made, so that a job need not wait."""

    def __init__(self, template: Template, confinement: Confinement, not_for_them: tuple[int, ...]) -> None:
        self._template = template
        self._confinement = confinement
        self._not_for_them = not_for_them
        self.pidfds: dict[int, int] = {}
        self._spare = self._fork()

    def hand_over(self, fds: list[int]) -> None:
        """A job's descriptors to the one that stands by, and a new one in its place, which must not get them."""
        try:
            self._tell_spare(fds)
        except OSError:  # it was killed as it stood by: the kernel may choose it when memory runs out
            self._spare = self._fork()
            self._tell_spare(fds)
        for fd in fds:
            os.close(fd)
        self._spare = self._fork()

    def _tell_spare(self, fds: list[int]) -> None:
        with self._spare:
            socket.send_fds(self._spare, [b"j"], fds)

    def reap(self, ready: set[int]) -> None:
        """A supervisor has killed all of its job before it ends, unless it was killed itself; its memory group is
        left to the privileged."""
        for pidfd in ready & self.pidfds.keys():
            pid = self.pidfds.pop(pidfd)
            _, status = os.waitpid(pid, 0)
            os.close(pidfd)
            if status:
                kill_orphans(set(self.pidfds.values()))
            if self._confinement.memory:
                memory.remove(self._confinement.memory, memory.group_name(pid))

    def close(self) -> None:
        """Wait for all; the alarm has told them."""
        self._spare.close()
        self.reap(set(self.pidfds))

    def _fork(self) -> socket.socket:
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for fd in (*self._not_for_them, ours.detach()):
                os.close(fd)
            self._be_one(its)
        its.close()
        self.pidfds[os.pidfd_open(pid)] = pid
        return ours

    def _be_one(self, launcher: socket.socket) -> None:
        try:
            stand_by(self._template, launcher, self._confinement)
        except BrokenPipeError:
            os._exit(1)  # Torre is gone; there is nobody left to tell
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
