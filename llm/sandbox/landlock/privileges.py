"""Giving up root for good, where there are no namespaces: another user, and no capability but perhaps to read."""

# ruff: noqa: PTH123
# (runs in the supervisor of each job, beside code that does without pathlib for speed)
from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from llm.sandbox.view import NOBODY

_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 4, 8, 24, 47
_AMBIENT_RAISE = 2
_DAC_OVERRIDE, _DAC_READ_SEARCH, _SETGID, _SETUID = 1, 2, 6, 7
_CAPABILITIES = 64
_VERSION = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def successor() -> tuple[int, int]:
    """The user and group that jobs run under: root's are nobody's, if root may change its user."""
    has = _effective()
    able = os.geteuid() == 0 and all(has >> number & 1 for number in (_SETUID, _SETGID)) and _is_mapped(NOBODY)
    return (NOBODY, NOBODY) if able else (os.geteuid(), os.getegid())


def give_up(readable: Iterable[str]) -> None:
    """Become that user, for good. Where the others of this machine may not read all of `readable`, and only then,
    the right to read all files is kept: Landlock still says which, and what may be written."""
    owner, has = successor(), _effective()
    changes = owner[0] != os.geteuid()
    keep = _reading(has) if changes and not _readable_to(owner, readable) else 0
    _set_capabilities(has, keep)  # while they are in the bounding set
    for number in range(_CAPABILITIES):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    if changes:
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        _become(owner)
    _set_capabilities(keep, keep)
    if keep:
        _libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, keep.bit_length() - 1, 0, 0)
    _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # without this it may not look at itself in /proc


def _become(owner: tuple[int, int]) -> None:
    uid, gid = owner
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _readable_to(owner: tuple[int, int], places: Iterable[str]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            _become(owner)
            os._exit(0 if all(os.access(place, os.R_OK) for place in places) else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _is_mapped(number: int) -> bool:
    """Whether this user namespace knows both the user and the group of this number."""
    for kind in ("uid", "gid"):
        with open(f"/proc/self/{kind}_map") as f:
            ranges = [[int(part) for part in line.split()] for line in f]
        if not any(first <= number < first + count for first, _, count in ranges):
            return False
    return True


def _effective() -> int:
    header, data = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    _libc.capget(header, data)
    return data[0] | data[3] << 32


def _reading(has: int) -> int:
    """The least of the capabilities by which every file can be read, 0 if there is none."""
    return next((1 << number for number in (_DAC_READ_SEARCH, _DAC_OVERRIDE) if has >> number & 1), 0)


def _set_capabilities(held: int, inheritable: int) -> None:
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    sets = (held, held, inheritable)
    data = (ctypes.c_uint32 * 6)(*(each & 0xFFFFFFFF for each in sets), *(each >> 32 for each in sets))
    if _libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset: capabilities cannot be given up")
