"""What Landlock has no rule for, and the owner of a thing may do: modes and times of files, limits and priorities
of processes. sandlock asks here for each such call. A file is changed here, in the job's stead, where it lies in
the job's own folder: a descriptor holds it while its place is asked for. A process has to be the job's own.
"""

# ruff: noqa: PTH110, PTH115
# (runs in the supervisor of each job, beside code that does without pathlib for speed)
from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from llm.sandbox import memory

_AT_FDCWD, _AT_EMPTY_PATH, _AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x100
_FCHMODAT2 = 452
_TIMES_BYTES = 32
_OF_A_PROCESS = ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler")
"""Calls that change a process of the same user, which is the first argument."""
_PATH_MAX = 4096
_libc = ctypes.CDLL(None, use_errno=True)
Change = Callable[[Any, "_Folder"], bool]
"""What one system call asks for, by sandlock's `HandlerCtx`: whether it was done here, else it may be done.
OSError is its answer."""


def run(confined: Any, argv: list[str], folder: str) -> Any:
    """Run a command in a `sandlock.Sandbox`, with this process's streams, to its `Result`; of files it changes
    modes and times only below `folder`."""
    library = import_module("sandlock._sdk")._lib
    # The package's own method keeps the streams to itself; the library's other entry takes the same arguments.
    function = library.sandlock_run_interactive_with_handlers
    function.restype = library.sandlock_run_with_handlers.restype
    function.argtypes = library.sandlock_run_with_handlers.argtypes
    library.sandlock_run_with_handlers = function
    place = _Folder(folder)
    return confined.run_with_handlers(
        argv, [(call, _Answer(change, place)) for call, change in _changes().items()]
    )


class _Answer:
    """A `sandlock.Handler`: makes a change in the job's stead, or refuses it."""

    def __init__(self, change: Change, folder: _Folder) -> None:
        sandlock = import_module("sandlock")
        self.on_exception = sandlock.ExceptionPolicy.DENY_EPERM
        self._action = sandlock.NotifAction
        self._change = change
        self._folder = folder

    def handle(self, ctx: Any) -> Any:
        """sandlock's `NotifAction`."""
        try:
            done = self._change(ctx, self._folder)
        except OSError as error:
            return self._action.errno(error.errno or errno.EPERM)
        return self._action.returns(0) if done else self._action.continue_()


def _changes() -> dict[str | int, Change]:
    """By system call. The older ones for times, which C libraries no longer use, are refused elsewhere."""
    changes: dict[str | int, Change] = {
        "fchmod": lambda ctx, f: f.change_mode(f.opened(ctx, ctx.args[0]), ctx.args[1]),
        "fchmodat": lambda ctx, f: f.change_mode(f.named(ctx, ctx.args[0], ctx.args[1], 0), ctx.args[2]),
        _FCHMODAT2: lambda ctx, f: f.change_mode(f.named(ctx, ctx.args[0], ctx.args[1], ctx.args[3]), ctx.args[2]),
        "utimensat": _change_times,
        "setpriority": lambda ctx, _: _is_own(ctx.args[1] if ctx.args[0] == os.PRIO_PROCESS else -1),
        **{call: lambda ctx, _: _is_own(ctx.args[0]) for call in _OF_A_PROCESS},
    }
    if os.uname().machine == "x86_64":
        changes["chmod"] = lambda ctx, f: f.change_mode(f.named(ctx, _AT_FDCWD, ctx.args[0], 0), ctx.args[1])
    return changes


def _is_own(process: int) -> bool:
    """False if it is the caller's or another of this job's, a thread perhaps. OSError if it is not."""
    number = _signed(process)
    below = memory.descendants(os.getpid())
    if number and not any(os.path.exists(f"/proc/{one}/task/{number}") for one in below if one != os.getpid()):
        raise PermissionError(errno.EPERM, "not of this job")
    return False


def _change_times(ctx: Any, folder: _Folder) -> bool:
    at, path, times, flags = ctx.args[:4]
    file = folder.named(ctx, at, path, flags) if path else folder.opened(ctx, at)
    told = ctx.read(times, _TIMES_BYTES) if times else None
    try:
        if times and told is None:
            raise OSError(errno.EFAULT, "utimensat")
        return _done(_libc.utimensat(file, b"", told, _AT_EMPTY_PATH))
    finally:
        os.close(file)


class _Folder:
    """The only place where something may be changed."""

    def __init__(self, path: str) -> None:
        self._below = os.path.realpath(path) + "/"

    def opened(self, ctx: Any, descriptor: int) -> int:
        """The file that a process has open, held. OSError if it is none of the folder's."""
        return self._held(f"/proc/{ctx.pid}/fd/{_signed(descriptor)}", os.O_PATH)

    def named(self, ctx: Any, at: int, path: int, flags: int) -> int:
        """The file that a process names, held, as its call finds it. OSError if it is none of the folder's."""
        name = ctx.read_cstr(path, _PATH_MAX)
        if name is None:
            raise OSError(errno.EFAULT, "path")
        base = f"/proc/{ctx.pid}/" + ("cwd" if _signed(at) == _AT_FDCWD else f"fd/{_signed(at)}")
        if not name:
            if not flags & _AT_EMPTY_PATH:
                raise OSError(errno.ENOENT, "path")
            return self._held(base, os.O_PATH)
        if name.startswith("/proc/self/"):  # which would be this process
            name = f"/proc/{ctx.pid}/{name.removeprefix('/proc/self/')}"
        link = os.O_NOFOLLOW if flags & _AT_SYMLINK_NOFOLLOW else 0
        return self._held(os.path.join(base, name), os.O_PATH | link)  # noqa: PTH118

    def change_mode(self, file: int, mode: int) -> bool:
        """Of what is held, which is let go."""
        try:
            return _done(_libc.syscall(_FCHMODAT2, file, b"", mode & 0o7777, _AT_EMPTY_PATH))
        finally:
            os.close(file)

    def _held(self, path: str, flags: int) -> int:
        file = os.open(path, flags | os.O_CLOEXEC)
        if not (os.readlink(f"/proc/self/fd/{file}") + "/").startswith(self._below):
            os.close(file)
            raise PermissionError(errno.EPERM, "not of this job")
        return file


def _signed(number: int) -> int:
    return ctypes.c_int(number & 0xFFFFFFFF).value


def _done(result: int) -> bool:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True
