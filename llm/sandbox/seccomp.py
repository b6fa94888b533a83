"""The system calls that a job is refused, as a classic BPF program for bwrap's `--seccomp`.

A denial list: what a kernel offers beyond files, processes and sockets (keyrings, bpf, perf, io_uring, handles of
other file systems), socket families that a network namespace does not scope (vsock among them), and, where memory
is only sampled, the kinds of memory that a sample does not see.
"""

from __future__ import annotations

import errno
import os
import struct

_NUMBERS = {
    "x86_64": (
        0xC000003E,
        41,
        56,
        {"acct": 163, "add_key": 248, "bpf": 321, "fanotify_init": 300, "io_uring_enter": 426}
        | {"io_uring_register": 427, "io_uring_setup": 425, "ioperm": 173, "iopl": 172, "kexec_file_load": 320}
        | {"kexec_load": 246, "keyctl": 250, "lookup_dcookie": 212, "mount": 165, "name_to_handle_at": 303}
        | {"open_by_handle_at": 304, "perf_event_open": 298, "quotactl": 179, "request_key": 249, "setns": 308}
        | {"swapon": 167, "syslog": 103, "umount2": 166, "unshare": 272, "userfaultfd": 323},
        {"memfd_create": 319, "memfd_secret": 447, "shmget": 29},
    ),
    "aarch64": (
        0xC00000B7,
        198,
        220,
        {"acct": 89, "add_key": 217, "bpf": 280, "fanotify_init": 262, "io_uring_enter": 426}
        | {"io_uring_register": 427, "io_uring_setup": 425, "kexec_file_load": 294, "kexec_load": 104}
        | {"keyctl": 219, "lookup_dcookie": 18, "mount": 40, "name_to_handle_at": 264, "open_by_handle_at": 265}
        | {"perf_event_open": 241, "quotactl": 60, "request_key": 218, "setns": 268, "swapon": 224}
        | {"syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282},
        {"memfd_create": 279, "memfd_secret": 447, "shmget": 194},
    ),
}
"""Per machine: the audit architecture, the numbers of socket(2) and clone(2), what is denied always, and what
is denied where memory is sampled."""

_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_ABSENT = 0x00050000 | errno.ENOSYS
_CLONE3, _CLONE_NEWUSER = 435, 0x10000000
"""clone3's flags lie in memory that a filter cannot read, so it is absent: C libraries fall back to clone."""
_X32_BIT = 0x40000000


def program(sampled_memory: bool, machine: str = "") -> bytes:
    """The filter for this machine, or b"" where its numbers are not known (the report then names it missing)."""
    known = _NUMBERS.get(machine or os.uname().machine)
    if known is None:
        return b""
    architecture, socket_number, clone_number, denied, unsampled = known
    numbers = sorted({*denied.values(), *(unsampled.values() if sampled_memory else ())})
    code = [
        _do(_LOAD, _ARCHITECTURE_AT),
        _jump(_EQUAL, architecture, 1, 0),
        _do(_RETURN, _KILL),
        _do(_LOAD, _NUMBER_AT),
        _jump(_AT_LEAST, _X32_BIT, 0, 1),
        _do(_RETURN, _REFUSE),
    ]
    for number in numbers:
        code += [_jump(_EQUAL, number, 0, 1), _do(_RETURN, _REFUSE)]
    code += [_jump(_EQUAL, _CLONE3, 0, 1), _do(_RETURN, _ABSENT), _jump(_EQUAL, clone_number, 0, 4)]
    code += [_do(_LOAD, _FIRST_ARGUMENT_AT), _jump(_ANY_BIT, _CLONE_NEWUSER, 0, 1), _do(_RETURN, _REFUSE)]
    code += [
        _do(_RETURN, _ALLOW),
        _jump(_EQUAL, socket_number, 1, 0),
        _do(_RETURN, _ALLOW),
        _do(_LOAD, _FIRST_ARGUMENT_AT),
    ]
    for family in _FAMILIES:
        code += [_jump(_EQUAL, family, 0, 1), _do(_RETURN, _ALLOW)]
    return b"".join([*code, _do(_RETURN, _REFUSE)])


def _do(code: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, 0, 0, value)


def _jump(test: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", test, if_true, if_false, value)
