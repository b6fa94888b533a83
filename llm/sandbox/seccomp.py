"""The system calls that a job is refused, as a classic BPF program for bwrap's `--seccomp`.

A denial list: what a kernel offers beyond files, processes and sockets (keyrings, bpf, perf, io_uring, mounts,
handles of other file systems, the clock, modules), socket families that a network namespace does not scope (vsock
among them), bytes pushed into a terminal, and, where memory is only sampled, the kinds of memory that a sample
does not see. Most of these also need a capability that a job lacks: the filter is the second lock.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import Any

from llm.sandbox.syscalls import MACHINES, Machine

_DENIED = (
    *("acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime", "delete_module"),
    *("fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module"),
    *("io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load"),
    *("keyctl", "lookup_dcookie", "mount", "mount_setattr", "move_mount", "name_to_handle_at"),
    *("open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root", "quotactl"),
    *("quotactl_fd", "reboot", "request_key", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff"),
    *("swapon", "syslog", "umount2", "unshare", "uselib", "userfaultfd", "vhangup"),
)
_UNSAMPLED = ("memfd_create", "memfd_secret", "shmget")

_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX."""
_CLONE_NEWUSER = 0x10000000
_X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT, _SECOND_ARGUMENT_AT = 0, 4, 16, 24
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_ABSENT = 0x00050000 | errno.ENOSYS
_REFUSED = {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM}


def program(sampled_memory: bool, machine: str = "") -> bytes:
    """The filter for this machine, or b"" where its numbers are not known (the report then names it missing)."""
    known = MACHINES.get(machine or os.uname().machine)
    if known is None:
        return b""
    code = [
        _do(_LOAD, _ARCHITECTURE_AT),
        _jump(_EQUAL, known.audit, 1, 0),
        _do(_RETURN, _KILL),
        _do(_LOAD, _NUMBER_AT),
        _jump(_AT_LEAST, _X32_BIT, 0, 1),
        _do(_RETURN, _REFUSE),
    ]
    # First what depends on an argument: `ioctl` is frequent, and of other calls the kernel caches the verdict.
    code += _if_number(known, "ioctl", _by_argument(_SECOND_ARGUMENT_AT, _EQUAL, _TERMINAL_INPUT, _REFUSE))
    code += _if_number(known, "clone", _by_argument(_FIRST_ARGUMENT_AT, _ANY_BIT, (_CLONE_NEWUSER,), _REFUSE))
    for name in ("socket", "socketpair"):
        code += _if_number(known, name, _by_argument(_FIRST_ARGUMENT_AT, _EQUAL, _FAMILIES, _ALLOW))
    # clone3's flags lie in memory that a filter cannot read, so it is absent: C libraries fall back to clone
    code += _if_number(known, "clone3", [_do(_RETURN, _ABSENT)])
    for name in (*_DENIED, *(_UNSAMPLED if sampled_memory else ())):
        code += _if_number(known, name, [_do(_RETURN, _REFUSE)])
    return b"".join([*code, _do(_RETURN, _ALLOW)])


def oci_profile() -> dict[str, Any]:
    """The same refusals by name, as an OCI runtime's configuration has them, where no memory has to be sampled.

    Not of `clone3`: older runtimes refuse with no other error than EPERM, and C libraries would not fall back.
    """
    terminal = [{"names": ["ioctl"], **_REFUSED, "args": [_argument(1, value)]} for value in _TERMINAL_INPUT]
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": list(_DENIED), **_REFUSED},
            {"names": ["clone"], **_REFUSED, "args": [_argument(0, _CLONE_NEWUSER, _CLONE_NEWUSER)]},
            *terminal,
        ],
    }


def _argument(index: int, value: int, mask: int = 0) -> dict[str, Any]:
    if mask:
        return {"index": index, "op": "SCMP_CMP_MASKED_EQ", "value": mask, "valueTwo": value}
    return {"index": index, "op": "SCMP_CMP_EQ", "value": value}


def _if_number(machine: Machine, name: str, then: list[bytes]) -> list[bytes]:
    """`then`, which must return, for one system call; nothing where the machine has no such call."""
    number = machine.number(name)
    return [] if number < 0 else [_jump(_EQUAL, number, 0, len(then)), *then]


def _by_argument(at: int, test: int, values: tuple[int, ...], verdict: int) -> list[bytes]:
    """`verdict` if the argument's lower half passes the test with any of the values, else its opposite."""
    other = _REFUSE if verdict == _ALLOW else _ALLOW
    tests = [code for value in values for code in (_jump(test, value, 0, 1), _do(_RETURN, verdict))]
    return [_do(_LOAD, at), *tests, _do(_RETURN, other)]


def _do(code: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, 0, 0, value)


def _jump(test: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", test, if_true, if_false, value)
