"""The process that Torre starts once an opened sandbox: it builds the view's template and forks a job each time.

Single-threaded on purpose (user namespaces and forks want that), standard library only, in a session of its
own so that the terminal's Ctrl-C reaches Torre and not this. It ends when Torre closes the socket or dies.
"""

from __future__ import annotations

import os
import select
import socket
import sys

from llm.sandbox import memory, seccomp, wire
from llm.sandbox.supervisor import Confinement, group_name, supervise
from llm.sandbox.view import Template


def main(fd: int) -> None:
    """Serve on an inherited socket until its other end closes."""
    os.umask(0o022)
    with socket.socket(fileno=fd) as server:
        opening = wire.receive(server)
        if opening is None:
            return
        plan = opening[0]
        try:
            template = Template(plan)
        except OSError as error:
            wire.send(server, {"broken": str(error)})
            return
        kind = memory.find_kind()
        missing = [] if seccomp.program(False) else ["a system call filter for this machine"]
        wire.send(server, {"memory": "cgroup" if kind else "sampled", "missing": missing})
        serve(server, template, plan["bwrap"], kind)


def serve(server: socket.socket, template: Template, bwrap: list[str], kind: memory.Kind | None) -> None:
    """Fork a supervisor for each request (its descriptors: stdin, stdout, stderr, control); reap them all."""
    jobs: dict[int, int] = {}
    alarm, alarm_end = os.pipe()  # closed at the end, which each supervisor sees
    while True:
        ready, _, _ = select.select([server.fileno(), *jobs], [], [])
        for pidfd in set(ready) & jobs.keys():
            _reap(jobs.pop(pidfd), kind)
            os.close(pidfd)
        if server.fileno() not in ready:
            continue
        message, fds, _, _ = socket.recv_fds(server, 1, 4)
        for fd in fds:
            os.set_inheritable(fd, False)  # a received descriptor would else reach the job
        if not message:
            break
        pid = os.fork()
        if pid == 0:
            os.close(alarm_end)
            _be_supervisor(server, template, fds, Confinement(bwrap, kind, alarm))
        jobs[os.pidfd_open(pid)] = pid
        for fd in fds:
            os.close(fd)
    os.close(alarm_end)
    for pid in jobs.values():
        _reap(pid, kind)


def _reap(pid: int, kind: memory.Kind | None) -> None:
    """A supervisor has killed all of its job before it ends; its memory group is left to the privileged."""
    os.waitpid(pid, 0)
    if kind:
        memory.remove(kind, group_name(pid))


def _be_supervisor(server: socket.socket, template: Template, fds: list[int], confinement: Confinement) -> None:
    server.close()
    stdin, stdout, stderr, control = fds
    with socket.socket(fileno=control) as channel:
        try:
            supervise(template, channel, (stdin, stdout, stderr), confinement)
        except BrokenPipeError:
            os._exit(1)  # Torre is gone; there is nobody left to tell
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
