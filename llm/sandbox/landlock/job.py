"""One job where user namespaces are forbidden, from its start to its end: a private copy of the workspace, and
sandlock (Landlock and a supervised system call filter) around what runs in it.

A process of its own for each job, started by Torre. It ends a job when Torre closes the control socket, which also
happens when Torre dies by whatever signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import time
import traceback
from importlib import import_module
from threading import Thread
from typing import Any, NamedTuple, NoReturn

from llm.sandbox import memory, mounts, wire
from llm.sandbox.enclosures import Enclosure, lower, signal_of
from llm.sandbox.landlock import mediate, privileges
from llm.sandbox.landlock.box import Box
from llm.sandbox.supervisor import write_files
from llm.sandbox.watch import Watch, kill_all

_NOT_FOUND = 127
_COUNT_S = 0.05
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_ALSO_DENIED = (
    *("memfd_create", "memfd_secret"),  # memory that a sample does not see
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat"),
    *("setxattrat", "removexattrat", "ioprio_set", "mq_open"),
    *("clock_settime", "clock_adjtime", "settimeofday", "adjtimex"),
    *("name_to_handle_at", "pidfd_getfd", "perf_event_open", "fanotify_init"),
)
"""Beyond sandlock's own list; see `mediate` for what is not refused outright."""


def main(told: str) -> None:
    """Run the job whose descriptors, box and toolchain are told, as JSON."""
    plan = json.loads(told)
    os.umask(0o022)
    *stdio, control = plan["descriptors"]
    with socket.socket(fileno=control) as channel, contextlib.suppress(BrokenPipeError):  # Torre is gone
        supervise(plan, channel, (stdio[0], stdio[1], stdio[2]))


def supervise(plan: dict[str, Any], control: socket.socket, stdio: tuple[int, int, int]) -> None:
    """Run the one job that `control` describes, and answer with how it ended.

    A child does so, which gives up root: afterwards, its box is still to be taken out of a folder that may be
    root's own.
    """
    message = wire.receive(control)
    if message is None:
        return
    import_module("sandlock")  # before root is given up: it may lie in root's own folders
    mounts.become_subreaper()
    memory.offer_first()
    try:
        box = Box(plan["box"], plan["workspace"])
    except OSError as error:
        control.send(b"x")
        wire.send(control, {"broken": str(error)})
        return
    pid = os.fork()
    if pid == 0:
        _be_one(_Order(box, plan, *message), control, stdio)
    for fd in (*stdio, control.detach()):
        os.close(fd)
    os.waitpid(pid, 0)
    kill_all()  # had it ended without doing that
    box.remove()


class _Order(NamedTuple):
    """A job, and what it runs in."""

    box: Box
    plan: dict[str, Any]
    request: dict[str, Any]
    payload: bytes


def _be_one(order: _Order, control: socket.socket, stdio: tuple[int, int, int]) -> NoReturn:
    try:
        mounts.become_subreaper()
        with contextlib.suppress(BrokenPipeError):  # Torre is gone
            wire.send(control, _run(order, control, stdio))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(0)


def _run(order: _Order, control: socket.socket, stdio: tuple[int, int, int]) -> dict[str, Any]:
    box, plan, request = order.box, order.plan, order.request
    try:
        for folder in plan["beside"]:
            box.link_to(folder)
        box.fill(privileges.successor(), request["disk_bytes"])
        privileges.give_up([*plan["readable"], box.folder])
        reader, _keep_open = box.open_report()
    except OSError as error:
        control.send(b"x")
        return {"broken": str(error)}
    socket.send_fds(control, [b"r"], [reader])
    os.close(reader)
    try:
        write_files(os.open(box.workspace, os.O_PATH | os.O_DIRECTORY), request["files"], order.payload)
    except OSError as error:  # a symlink in the way, or no space left
        return {"unwritten": str(error)}
    enclosure, word = Landlocked(box.relocated(request), box, plan["readable"]), control.fileno()
    return Watch(enclosure, word, word, None).run(stdio)  # there is no launcher with an alarm of its own


class Landlocked(Enclosure):
    """sandlock, in a process of its own, which waits for the job and tells how that ended."""

    name = "sandlock"

    def __init__(self, request: dict[str, Any], box: Box, readable: list[str]) -> None:
        super().__init__(request)
        self._box = box
        self._readable = readable

    def execute(self) -> NoReturn:
        """Start the job with this process's streams, and wait for it."""
        sandlock = import_module("sandlock")
        request = self.request
        if not os.path.isdir(request["directory"]):  # noqa: PTH112
            os.write(2, f"torre: Can't chdir to {request['directory']}\n".encode())
            self._tell({"exit": _NOT_FOUND, "signal": 0})
        lower(resource.RLIMIT_FSIZE, request["disk_bytes"])
        lower(resource.RLIMIT_NOFILE, 65536)
        confined = sandlock.Sandbox(
            fs_readable=[*self._readable, "/proc"],
            fs_writable=[self._box.folder, *_DEVICES],
            extra_deny_syscalls=_ALSO_DENIED,
            max_processes=request["processes"],
            cwd=request["directory"],
            clean_env=True,
            env=request["env"],
        )
        Thread(target=self._count, args=(os.getpid(),), daemon=True).start()
        try:
            result = mediate.run(confined, request["argv"], self._box.folder)
        except sandlock.SandlockError as error:
            self._tell({"broken": f"sandlock: {error}"})
        if result.error:
            self._tell({"broken": result.error})
        killed = signal.SIGKILL if result.reason is sandlock.ExitReason.KILLED else 0
        self._tell({"exit": result.exit_code, "signal": int(killed or max(result.signal or 0, 0))})

    def _count(self, pid: int) -> None:
        """Again and again, for a tenth of the time at most: what no limit of the kernel's bounds here."""
        request = self.request
        while True:
            began = time.monotonic()
            size, files = self._box.usage()
            threads = sum(_threads(one) for one in memory.descendants(pid) if one != pid)
            used = {"disk_bytes": size, "inodes": files, "processes": threads}
            over = next((name for name, much in used.items() if much > request[name]), "")
            if over:
                os.write(2, f"torre: ended, for it used more than its {over}\n".encode())
                self._tell({"exit": 1, "signal": 0})
            time.sleep(max(_COUNT_S, 9 * (time.monotonic() - began)))

    def _tell(self, outcome: dict[str, Any]) -> NoReturn:
        os.write(self.telling, json.dumps(outcome).encode() + b"\n")
        os._exit(0)

    def outcome(self, status: int) -> dict[str, Any]:
        """By what that process told."""
        if not self.heard:
            return {"broken": "sandlock ended without a word", "signal": signal_of(status), "started": True}
        told = json.loads(self.heard.splitlines()[0])  # the first word counts
        return {**told, "started": True, "exit": None if told.get("signal") else told.get("exit")}


def _threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
    except OSError:  # it has ended
        return 0
