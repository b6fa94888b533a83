"""One job, watched over: mounts its view, writes its files, starts what encloses it, and leaves no process behind.

Forked by the launcher for each job, one ahead of time, and gone with it. It ends a job when Torre closes the
control socket, which also happens when Torre dies by whatever signal.
"""

# ruff: noqa: PTH119, PTH120, PTH123
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import errno
import os
import socket
import stat
from typing import Any, NamedTuple

from llm.sandbox import memory, mounts, wire
from llm.sandbox.enclosures import Mounted
from llm.sandbox.known import KnownNames
from llm.sandbox.view import Template
from llm.sandbox.watch import Watch

_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EOVERFLOW)


class Confinement(NamedTuple):
    """What holds every job of a launcher: what stands around it, by which command, and what bounds its memory.
    `alarm` becomes readable when all of them have to end."""

    enclosure: type[Mounted]
    command: list[str]
    memory: memory.Kind | None
    alarm: int


class Prepared(NamedTuple):
    """What stands before the job is known: its memory group, if there is one, and the names that its view knows,
    or why nothing stands."""

    group: memory.Group | None = None
    names: KnownNames | None = None
    broken: OSError | None = None


def stand_by(template: Template, launcher: socket.socket, confinement: Confinement) -> None:
    """Prepare what does not depend on the job, wait for the job's descriptors, and run it."""
    prepared = _prepare(template, confinement.memory)
    if prepared.names:
        prepared.names.look_up(until=launcher)
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
        group = memory.make(kind, memory.group_name(os.getpid())) if kind else None
        template.mount_view()
        return Prepared(group, KnownNames(template.open_workspace(), template.lower_workspace))
    except OSError as error:
        return Prepared(broken=error)


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
        if prepared.names and not prepared.names.still_hold():
            template.forget_names()
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
    except OSError as error:  # a symlink in the way, no space left, or a folder that is another user's
        outcome: dict[str, Any] = {"unwritten": str(error)}
    else:
        enclosure = confinement.enclosure(confinement.command, request, template, prepared.group is None)
        outcome = Watch(enclosure, control.fileno(), confinement.alarm, prepared.group).run(stdio)
    os.close(keep_open)
    wire.send(control, outcome)


def write_files(workspace: int, files: list[list[Any]], payload: bytes) -> None:
    """Write or delete in the private view, never through a symlink nor outside of it. OSError names the file."""
    at = 0
    for path, size, executable in files:
        content = None if size is None else payload[at : at + size]
        try:
            _put(workspace, path, content, 0o755 if executable else 0o644)
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), path) from error
        at += size or 0
    os.close(workspace)


def _put(workspace: int, path: str, content: bytes | None, mode: int) -> None:
    if content is None:
        _delete(workspace, path)
    else:
        _write(workspace, path, content, mode)


def _write(workspace: int, path: str, content: bytes, mode: int) -> None:
    folder, name = os.path.split(path)
    if folder:
        _make_folders(workspace, folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK
    try:
        file = mounts.open_beneath(workspace, path, flags, mode)
    except OSError as error:  # read-only, or another user's: replaced, with its mode kept
        if error.errno not in _NOT_OURS:
            raise
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
