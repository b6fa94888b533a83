"""The bound on a job's memory: a control group where one can be had, else a sample of its processes.

A group is made below the launcher's own (v1, or v2 where the launcher was given a scope to itself) or at the top
(v2, as root), one a job, and removed by the launcher. Elsewhere the supervisor adds up resident sets every few
milliseconds, and a seccomp rule refuses the memory that this cannot see. What the kernel holds for a job (buffers
of sockets, page tables, semaphores) is in no resident set: that is seen by what the whole machine's kernel holds.
"""

# ruff: noqa: PTH102, PTH106, PTH110, PTH115, PTH116, PTH123, PTH208
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

_V2 = "/sys/fs/cgroup"
_V1 = "/sys/fs/cgroup/memory"
_PAGE = os.sysconf("SC_PAGESIZE")
_FIRST_TO_GO = 900
_USERS = (b"MemFree", b"Buffers", b"Cached", b"SwapCached", b"KReclaimable", b"AnonPages")
"""Of all memory, what is free, a file's, to be had back at once, or a process's own: the rest is the kernel's."""
_FIGURE = re.compile(rb"^(\w+): +(\d+) kB$", re.MULTILINE)
_MANY = 500
"""Descriptors: a build has some hundreds, and who wants buffers needs one for each."""


class Kind(NamedTuple):
    """Where groups are made, and how this version of the interface calls its files."""

    parent: str
    limit: str
    swap: str
    events: str

    @property
    def swap_is_extra(self) -> bool:
        """v2 bounds swap on its own, v1 the sum of memory and swap."""
        return self.swap == "memory.swap.max"


class KernelShare(NamedTuple):
    """What the machine's kernel held when a job began, and so whether the job has it hold too much."""

    before: int

    @classmethod
    def now(cls) -> KernelShare:
        return cls(kernel_bytes())

    def exceeds(self, most: int, pid: int) -> bool:
        """For whom the kernel holds memory is not known: what is more than a job's bound is laid to the one that
        looks like it, and what is twice the bound to any, for descriptors can be hidden in a socket."""
        grown = kernel_bytes() - self.before
        return grown > 2 * most or (grown > most and _looks_like_it(pid, most))


class Group(NamedTuple):
    """One job's group, opened while that was allowed: descriptors outlive the loss of the uid."""

    kind: Kind
    folder: str
    procs: int
    events: int

    def limit(self, limit_bytes: int) -> None:
        """Hold the members to `limit_bytes`, swap included."""
        _write(f"{self.folder}/{self.kind.limit}", limit_bytes)
        with contextlib.suppress(OSError):  # absent where the kernel does not account for swap
            _write(f"{self.folder}/{self.kind.swap}", 0 if self.kind.swap_is_extra else limit_bytes)

    def enter(self) -> None:
        """Move the calling process in."""
        os.write(self.procs, b"0")

    def oom_killed(self) -> bool:
        """Whether the kernel killed something in here for want of memory."""
        lines = os.pread(self.events, 4096, 0).decode().splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)


def offer_first() -> None:
    """If the whole machine runs out of memory, this process and its children go before the user's own."""
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write(str(_FIRST_TO_GO))


def find_kind() -> Kind | None:
    """The interface with which a group with a limit can really be made here, or None. Tried, not guessed."""
    for kind in _kinds():
        name = group_name(os.getpid())
        try:
            remove(kind, name)  # of an earlier process with this id
            os.mkdir(f"{kind.parent}/{name}")
        except OSError:
            continue
        works = os.path.exists(f"{kind.parent}/{name}/{kind.limit}")
        remove(kind, name)
        if works:
            _sweep(kind)
            return kind
    return None


def _kinds() -> Iterator[Kind]:
    with open("/proc/self/cgroup") as f:
        own = {names: path.rstrip("/") for _, names, path in (line.rstrip("\n").split(":", 2) for line in f)}
    v1 = _V1 + own.get("memory", "")
    yield Kind(v1, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")
    yield _v2(_V2)
    if _divide(_V2 + own.get("", "")):
        yield _v2(_V2 + own[""])


def _v2(parent: str) -> Kind:
    return Kind(parent, "memory.max", "memory.swap.max", "memory.events")


def _divide(own: str) -> bool:
    """Make this process's v2 group, if it is here alone (a scope), one with groups below: it may not have both."""
    try:
        with open(f"{own}/cgroup.procs") as f:
            if f.read().split() != [str(os.getpid())]:
                return False
        os.mkdir(f"{own}/launcher")
        _write(f"{own}/launcher/cgroup.procs", os.getpid())
        _write(f"{own}/cgroup.subtree_control", "+memory")
    except OSError:
        return False
    return True


def _sweep(kind: Kind) -> None:
    """Groups of launchers that were killed before they could tidy up; one that is in use cannot be removed."""
    for name in os.listdir(kind.parent):
        prefix, _, pid = name.rpartition("-")
        if f"{prefix}-" == group_name("") and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            with contextlib.suppress(OSError):
                remove(kind, name)


def group_name(pid: int | str) -> str:
    """The memory group of the job that this supervisor runs. Ids are told apart by their namespace: containers may
    share one tree of groups."""
    return f"torre-{os.stat('/proc/self/ns/pid').st_ino}-{pid}"


def make(kind: Kind, name: str) -> Group:
    """A group of this name, still without a limit."""
    folder = f"{kind.parent}/{name}"
    remove(kind, name)  # of an earlier process with this id
    os.mkdir(folder)
    procs = os.open(f"{folder}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    return Group(kind, folder, procs, os.open(f"{folder}/{kind.events}", os.O_RDONLY | os.O_CLOEXEC))


def remove(kind: Kind, name: str) -> None:
    """Take the group away; it is empty by now, or was never made."""
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(f"{kind.parent}/{name}")


def _write(path: str, value: int | str) -> None:
    with open(path, "w") as f:
        f.write(str(value))


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and all its descendants; shared pages count in each."""
    return sum(_pages(one)[0] for one in descendants(pid)) * _PAGE


def kernel_bytes() -> int:
    """What the kernel of this machine holds for itself and for processes, beyond their own pages and files."""
    with open("/proc/meminfo", "rb", buffering=0) as f:
        figures = dict(_FIGURE.findall(f.read(4096)))
    return (int(figures[b"MemTotal"]) - sum(int(figures[name]) for name in _USERS)) * 1024


def _looks_like_it(pid: int, most: int) -> bool:
    """Whether a process and its descendants have many descriptors, or much in page tables."""
    held = [_held_in_kernel(one) for one in descendants(pid)]
    return sum(descriptors for descriptors, _ in held) > _MANY or sum(tables for _, tables in held) > most // 2


def _held_in_kernel(pid: int) -> tuple[int, int]:
    """How many descriptors a process has, and its bytes of page tables; none of one that has ended."""
    try:
        with open(f"/proc/{pid}/status") as f:
            tables = next((int(line.split()[1]) for line in f if line.startswith("VmPTE:")), 0)
        return len(os.listdir(f"/proc/{pid}/fd")), tables * 1024
    except OSError:
        return 0, 0


def private_bytes(pid: int) -> int:
    """The same without the pages that processes share."""
    return sum(resident - shared for resident, shared in map(_pages, descendants(pid))) * _PAGE


def allocated_bytes(pid: int, name: str) -> int:
    """What lies in the memory files of this name that a process has open, mapped or not. PermissionError if that
    is not for us to see."""
    total = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(f"/memfd:{name} "):
                total += os.stat(f"/proc/{pid}/fd/{fd}").st_blocks * 512
    return total


def descendants(pid: int) -> Iterator[int]:
    """A process and all below it, parents first."""
    todo = [pid]
    while todo:
        yield (one := todo.pop())
        with contextlib.suppress(OSError):  # it may end while it is being read
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children") as f:
                    todo += [int(child) for child in f.read().split()]


def _pages(pid: int) -> tuple[int, int]:
    """Resident, and of these shared; none of a process that has ended."""
    try:
        with open(f"/proc/{pid}/statm") as f:
            _, resident, shared, *_ = f.read().split()
    except OSError:
        return 0, 0
    return int(resident), int(shared)
