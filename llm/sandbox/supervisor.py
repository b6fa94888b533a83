"""One job, watched over: mounts its view, writes its files, starts bwrap, and leaves no process behind.

Forked by the launcher for each job, one ahead of time, and gone with it. It ends a job when Torre closes the
control socket, which also happens when Torre dies by whatever signal.
"""

# ruff: noqa: PTH119, PTH120, PTH123
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import stat
from typing import Any, NamedTuple

from llm.sandbox import memory, mounts, seccomp, wire
from llm.sandbox.view import Template

_SAMPLE_MS = 10
_REFUSED = 126


class Confinement(NamedTuple):
    """What holds every job of a launcher. `alarm` becomes readable when all of them have to end."""

    bwrap: list[str]
    memory: memory.Kind | None
    alarm: int


class Prepared(NamedTuple):
    """What stands before the job is known: its memory group, if there is one, or why nothing stands."""

    group: memory.Group | None
    broken: OSError | None


def stand_by(template: Template, launcher: socket.socket, confinement: Confinement) -> None:
    """Prepare what does not depend on the job, wait for the job's descriptors, and run it."""
    prepared = _prepare(template, confinement.memory)
    word, fds, _, _ = socket.recv_fds(launcher, 1, 4)
    if not word:  # the launcher has no job any more
        return
    launcher.close()
    for fd in fds:
        os.set_inheritable(fd, False)  # a received descriptor would else reach the job
    stdin, stdout, stderr, control = fds
    with socket.socket(fileno=control) as channel:
        supervise(template, channel, (stdin, stdout, stderr), confinement, prepared)


def _prepare(template: Template, kind: memory.Kind | None) -> Prepared:
    mounts.become_subreaper()
    memory.offer_first()
    try:
        group = memory.make(kind, group_name(os.getpid())) if kind else None
        template.mount_view()
    except OSError as error:
        return Prepared(None, error)
    return Prepared(group, None)


def supervise(
    template: Template,
    control: socket.socket,
    stdio: tuple[int, int, int],
    confinement: Confinement,
    prepared: Prepared,
) -> None:
    """Run the one job that `control` describes, and answer with how it ended."""
    message = wire.receive(control)
    if message is None:
        return
    request, payload = message
    try:
        if prepared.broken:
            raise prepared.broken
        if prepared.group:
            prepared.group.limit(request["memory_bytes"])
        template.enter_view(request["disk_bytes"], request["inodes"])
        reader, keep_open = template.open_report()
    except OSError as error:
        control.send(b"x")
        wire.send(control, {"broken": str(error)})
        return
    socket.send_fds(control, [b"r"], [reader])
    os.close(reader)
    try:
        write_files(template.open_workspace(), request["files"], payload)
    except OSError as error:  # the job's own fault: a symlink in the way, or no space left
        outcome: dict[str, Any] = {"exit": _REFUSED, "started": True}
        os.write(stdio[2], f"torre: {error}\n".encode())
    else:
        watch = Watch(request, (control.fileno(), confinement.alarm), prepared.group)
        outcome = watch.run(stdio, [*confinement.bwrap, *template.bwrap_arguments()])
    os.close(keep_open)
    wire.send(control, outcome)


def group_name(pid: int) -> str:
    """The memory group of the job that this supervisor runs."""
    return f"torre-{pid}"


class Watch:
    """bwrap from its start to its end."""

    def __init__(self, request: dict[str, Any], words: tuple[int, int], group: memory.Group | None) -> None:
        self._request = request
        self._words = words
        self._group = group
        self._told = b""
        self._status, self._status_end = os.pipe()
        self._gate, self._gate_end = os.pipe()

    def run(self, stdio: tuple[int, int, int], bwrap: list[str]) -> dict[str, Any]:
        """Start it, wait for its end or Torre's word, and kill whatever is left."""
        pid = os.fork()
        if pid == 0:
            self._become_bwrap(bwrap, stdio)
        for fd in (self._status_end, self._gate, *stdio):
            os.close(fd)
        try:
            outcome = self._wait(pid)
        finally:
            kill_all()
        if self._group and self._group.oom_killed():
            return {**outcome, "oom": True}
        return outcome

    def _become_bwrap(self, bwrap: list[str], stdio: tuple[int, int, int]) -> None:
        request = self._request
        try:
            if self._group:
                self._group.enter()
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            for number, fd in enumerate(stdio):
                os.dup2(fd, number)
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
            _lower(resource.RLIMIT_FSIZE, request["disk_bytes"])
            _lower(resource.RLIMIT_NOFILE, 65536)
            command = [*bwrap, *self._descriptors()]
            command += [word for pair in request["env"].items() for word in ("--setenv", *pair)]
            command += ["--chdir", request["directory"], "--", *request["argv"]]
            os.execve(bwrap[0], [os.fsencode(word) for word in command], {})
        except OSError as error:
            os.write(2, f"bwrap: {error}\n".encode())
        finally:
            os._exit(127)

    def _descriptors(self) -> list[str]:
        options = {"--json-status-fd": self._status_end, "--block-fd": self._gate}
        filter_ = seccomp.program(sampled_memory=self._group is None)
        if filter_:
            options["--seccomp"], end = os.pipe()
            os.write(end, filter_)
            os.close(end)
        for fd in options.values():
            os.set_inheritable(fd, True)
        return [word for option, fd in options.items() for word in (option, str(fd))]

    def _wait(self, pid: int) -> dict[str, Any]:
        pidfd = os.pidfd_open(pid)
        poll = select.poll()
        for fd in (*self._words, pidfd, self._status):
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(_SAMPLE_MS)}
            if self._status in ready and not self._hear_status():
                poll.unregister(self._status)
            if ready.intersection(self._words):  # Torre's control socket, or the launcher's alarm, has closed
                return {"exit": None, "started": True}
            if pidfd in ready:
                self._hear_status()
                facts = _facts(self._told)
                status = os.waitpid(pid, 0)[1]
                signal_ = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
                return {
                    "exit": facts.get("exit-code"),
                    "started": "exit-code" in facts or signal_,
                    "signal": signal_,
                }
            if self._out_of_memory(pid):
                return {"exit": None, "started": True, "oom": True}

    def _out_of_memory(self, pid: int) -> bool:
        if self._group:
            return self._group.oom_killed()
        return memory.resident_bytes(pid) > int(self._request["memory_bytes"])

    def _hear_status(self) -> bool:
        """What bwrap has told so far. Once it names the inner init, that gets its process limit and may go on."""
        os.set_blocking(self._status, False)
        try:
            chunk = os.read(self._status, 4096)
        except BlockingIOError:
            return True
        self._told += chunk
        child = _facts(self._told).get("child-pid")
        if child and self._gate_end >= 0:
            limit = self._request["processes"]
            with contextlib.suppress(ProcessLookupError, BrokenPipeError):  # it failed, and says why by itself
                resource.prlimit(child, resource.RLIMIT_NPROC, (limit, limit))
                os.write(self._gate_end, b"+")
            os.close(self._gate_end)
            self._gate_end = -1
        return bool(chunk)


def _lower(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _facts(told: bytes) -> dict[str, int]:
    """bwrap's status lines merged into one; a line that is not complete yet is left for later."""
    facts: dict[str, int] = {}
    for line in told.split(b"\n")[:-1]:
        facts.update(json.loads(line))
    return facts


def kill_all() -> None:
    """SIGKILL every descendant until none is left; orphans have become children, so that none is missed."""
    own = f"/proc/self/task/{os.getpid()}/children"
    while True:
        with open(own) as f:
            children = [int(pid) for pid in f.read().split()]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        try:
            for pid in children:  # by name: an orphan that arrives meanwhile has not been killed yet
                os.waitpid(pid, 0)
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return


def write_files(workspace: int, files: list[list[Any]], payload: bytes) -> None:
    """Write or delete in the private view, never through a symlink nor outside of it."""
    at = 0
    for path, size, executable in files:
        if size is None:
            _delete(workspace, path)
            continue
        _write(workspace, path, payload[at : at + size], 0o755 if executable else 0o644)
        at += size
    os.close(workspace)


def _write(workspace: int, path: str, content: bytes, mode: int) -> None:
    folder, name = os.path.split(path)
    if folder:
        _make_folders(workspace, folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK
    try:
        file = mounts.open_beneath(workspace, path, flags, mode)
    except PermissionError:  # read-only: replaced, with its mode kept
        parent = mounts.open_beneath(workspace, folder or ".", os.O_PATH | os.O_DIRECTORY)
        mode = stat.S_IMODE(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
        os.unlink(name, dir_fd=parent)
        os.close(parent)
        file = mounts.open_beneath(workspace, path, flags | os.O_EXCL, mode)
    with open(file, "wb") as f:
        f.write(content)


def _make_folders(workspace: int, folder: str) -> None:
    done = ""
    for name in folder.split("/"):
        parent = mounts.open_beneath(workspace, done or ".", os.O_PATH | os.O_DIRECTORY)
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            pass
        finally:
            os.close(parent)
        done = f"{done}/{name}" if done else name


def _delete(workspace: int, path: str) -> None:
    parent = mounts.open_beneath(workspace, os.path.dirname(path) or ".", os.O_PATH | os.O_DIRECTORY)
    try:
        os.unlink(os.path.basename(path), dir_fd=parent)
    except FileNotFoundError:
        pass
    finally:
        os.close(parent)
