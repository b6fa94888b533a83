"""A command as a container engine starts it, in one respect: `python contained.py ASPECT COMMAND...`

`masked`: parts of /proc are covered, for good. `filtered`: a system call filter refuses what it takes to make a
sandbox; ours does that, and `pidfd_getfd`, as Docker's does. `rootless`: this user is root, but of
a user namespace.
"""

from __future__ import annotations

import ctypes
import os
import sys

from llm.sandbox import mounts, seccomp

_PR_SET_SECCOMP, _FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def mask() -> None:
    """Cover a part of /proc, in a mount namespace of this process's own."""
    uid, gid = os.geteuid(), os.getegid()
    if uid:
        mounts.become_root_of_new_namespace()
    mounts.unshare(mounts.CLONE_NEWNS)
    mounts.detach_from_host()
    mounts.mount("torre", "/proc/irq", "tmpfs", 0, "size=4k")
    if uid:
        mounts.unshare(mounts.CLONE_NEWUSER)
        mounts.map_ids("self", f"{uid} 0 1", f"{gid} 0 1")


def refuse_calls() -> None:
    """For this process and all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = seccomp.program(sampled_memory=False)
    told = _Program(len(program) // _INSTRUCTION_BYTES, program)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(told)) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    {"masked": mask, "filtered": refuse_calls, "rootless": mounts.become_root_of_new_namespace}[sys.argv[1]]()
    os.execvp(sys.argv[2], sys.argv[2:])
