"""The bound on a job's memory: a control group where one can be had, else a sample of its processes.

A cgroup is made beside (v2, as root) or below (v1) the launcher's own, one a job, and removed by the launcher,
which stays privileged. Elsewhere the supervisor adds up resident sets every few milliseconds, and a seccomp rule
refuses the memory that this cannot see.
"""

# ruff: noqa: PTH102, PTH106, PTH110, PTH123, PTH208
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

_V2 = "/sys/fs/cgroup"
_V1 = "/sys/fs/cgroup/memory"
_PAGE = os.sysconf("SC_PAGESIZE")


class Kind(NamedTuple):
    """Where groups are made, and how this version of the interface calls its files."""

    parent: str
    limit: str
    swap: str
    events: str


class Group(NamedTuple):
    """One job's group, opened while that was allowed: descriptors outlive the loss of the uid."""

    procs: int
    events: int

    def enter(self) -> None:
        """Move the calling process in."""
        os.write(self.procs, b"0")

    def oom_killed(self) -> bool:
        """Whether the kernel killed something in here for want of memory."""
        lines = os.pread(self.events, 4096, 0).decode().splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)


def find_kind() -> Kind | None:
    """The interface with which a group with a limit can really be made here, or None. Tried, not guessed."""
    below = _own_v1()
    kinds = [Kind(below, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")]
    kinds.append(Kind(_V2, "memory.max", "memory.swap.max", "memory.events"))
    for kind in kinds:
        name = f"torre-{os.getpid()}-trial"
        try:
            os.mkdir(f"{kind.parent}/{name}")
        except OSError:
            continue
        works = os.path.exists(f"{kind.parent}/{name}/{kind.limit}")
        remove(kind, name)
        if works:
            _sweep(kind)
            return kind
    return None


def _sweep(kind: Kind) -> None:
    """Groups of launchers that were killed before they could tidy up; one that is in use cannot be removed."""
    for name in os.listdir(kind.parent):
        prefix, _, pid = name.partition("-")
        if prefix == "torre" and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            with contextlib.suppress(OSError):
                remove(kind, name)


def _own_v1() -> str:
    with open("/proc/self/cgroup") as f:
        fields = [line.rstrip("\n").split(":", 2) for line in f]
    return next((_V1 + path.rstrip("/") for _, names, path in fields if names == "memory"), _V1)


def make(kind: Kind, name: str, limit_bytes: int) -> Group:
    """A group that holds its members to `limit_bytes`, swap included."""
    folder = f"{kind.parent}/{name}"
    remove(kind, name)  # of an earlier process with this id
    os.mkdir(folder)
    _write(f"{folder}/{kind.limit}", limit_bytes)
    with contextlib.suppress(OSError):  # absent where the kernel does not account for swap
        _write(f"{folder}/{kind.swap}", limit_bytes if kind.parent != _V2 else 0)
    procs = os.open(f"{folder}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    return Group(procs, os.open(f"{folder}/{kind.events}", os.O_RDONLY | os.O_CLOEXEC))


def remove(kind: Kind, name: str) -> None:
    """Take the group away; it is empty by now, or was never made."""
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(f"{kind.parent}/{name}")


def _write(path: str, number: int) -> None:
    with open(path, "w") as f:
        f.write(str(number))


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and all its descendants; shared pages count in each."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):  # it may end while it is being read
            with open(f"/proc/{one}/statm") as f:
                total += int(f.read().split()[1]) * _PAGE
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children") as f:
                    todo += [int(child) for child in f.read().split()]
    return total
