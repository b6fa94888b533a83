"""The mount system calls that Python lacks, by ctypes: numbers are the same on x86_64 and aarch64.

Runs in the launcher, which is single-threaded and imports nothing but the standard library. Every function
raises OSError with the call's name in it, because that text is what a probe maps to a remedy.
"""

# ruff: noqa: PTH123
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import ctypes
import os
import re
import signal
from typing import Any

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_REC, MS_SLAVE = 0x2, 0x4, 0x8, 0x20, 0x4000, 0x80000
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_IDMAP = 0x1, 0x2, 0x4, 0x100000
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH = 0x2, 0x4, 0x8

_OPEN_TREE, _MOVE_MOUNT, _OPENAT2, _MOUNT_SETATTR = 428, 429, 437, 442
_ALL_IDS = str(2**32 - 1)
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 0x1, 0x4

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def _checked(what: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _syscall(what: str, number: int, *arguments: Any) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(what, int(_libc.syscall(ctypes.c_long(number), *wide)))


def is_root() -> bool:
    """Whether this is root, and not only that of a user namespace, who may do here what any user may."""
    with open("/proc/self/uid_map") as f:
        return os.geteuid() == 0 and f.read().split() == ["0", "0", _ALL_IDS]


def unshare(flags: int) -> None:
    """Leave the given namespaces for new ones. The error tells what anybody may from what only root may."""
    _checked("unshare" if flags & CLONE_NEWUSER else "unshare mounts", _libc.unshare(flags))


def become_subreaper() -> None:
    """Orphans of this process's descendants become its own children, so that none can hide."""
    _checked("prctl", _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2). `options` must hold no path of the user's: the kernel splits it at commas and colons."""
    encoded = (os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _checked(f"mount {kind}", _libc.mount(*encoded))


def detach_from_host() -> None:
    """No mount made from here on travels back to the host."""
    _checked("mount slave", _libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_SLAVE), None))


def clone_tree(path: str) -> int:
    """A detached copy of the mounts at `path`, as a descriptor: it survives a mount over its parent."""
    flags = _OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    return _syscall(f"open_tree {path}", _OPEN_TREE, AT_FDCWD, os.fsencode(path), flags)


def beneath(folder: str) -> list[str]:
    """Where something is mounted below a folder: a lower layer shows nothing of it."""
    with open("/proc/self/mountinfo", "rb") as f:
        places = {_ESCAPED.sub(lambda m: bytes([int(m[1], 8)]), line.split()[4]) for line in f}
    inside = os.fsencode(folder.rstrip("/") + "/")
    return sorted(os.fsdecode(place) for place in places if place.startswith(inside))


def attach(tree: int, target: str) -> None:
    """Mount a detached tree at `target`, and close it."""
    _syscall(
        f"move_mount {target}", _MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH
    )
    os.close(tree)


def set_attributes(tree: int, flags: int, userns: int = 0, recursive: bool = True) -> None:
    """mount_setattr(2) on a tree's descriptor: read-only, nosuid, nodev, or idmapped by a user namespace."""
    attributes = _MountAttr(flags, 0, 0, userns)
    at = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(attributes)
    _syscall("mount_setattr", _MOUNT_SETATTR, tree, b"", at, ctypes.byref(attributes), size)


def map_ids(pid: int | str, uid_map: str, gid_map: str) -> None:
    """Write a user namespace's maps. Who is in it is nobody outside, and must give up setgroups first."""
    files = [("uid_map", uid_map), ("gid_map", gid_map)]
    if pid == "self" or os.geteuid() != 0:
        files.insert(0, ("setgroups", "deny"))
    for name, text in files:
        try:
            with open(f"/proc/{pid}/{name}", "w") as f:
                f.write(text)
        except OSError as error:
            raise OSError(error.errno, f"setting up {name.replace('_', ' ')}: {error.strerror}") from error


def become_root_of_new_namespace() -> None:
    """A user namespace in which this process's user is 0 and nobody else is anybody, with a network of its own. A
    process that has given up root is no longer its own in /proc until it says that it may be looked at."""
    uid, gid = os.geteuid(), os.getegid()
    _checked("prctl", _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
    unshare(CLONE_NEWUSER | CLONE_NEWNET)
    map_ids("self", f"0 {uid} 1", f"0 {gid} 1")


def namespace_of_ids(uid_map: str, gid_map: str) -> int:
    """A descriptor of a new user namespace with these maps, for an idmapped mount. Needs real root."""
    ready, child_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            unshare(CLONE_NEWUSER)
            os.write(child_end, b"+")
            signal.pause()
        finally:
            os._exit(1)
    os.close(child_end)
    try:
        if not os.read(ready, 1):
            raise OSError("unshare: no user namespace for the idmapped mount")
        map_ids(pid, uid_map, gid_map)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def open_beneath(directory: int, path: str, flags: int, mode: int = 0) -> int:
    """openat2(2) that refuses symlinks and anything outside `directory`."""
    resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.sizeof(how)
    return _syscall(f"openat2 {path}", _OPENAT2, directory, os.fsencode(path), ctypes.byref(how), size)
