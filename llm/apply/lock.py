"""One apply at a time, and none after one that was rolled back until somebody has looked at it.

`.torre/apply.lock` is held by `flock`, which the kernel lets go of however a process ends; what the file says
outlives it: who held it, and why it was left. One whose id this user did not note arrived with a checkout, and
only the kernel's word on it counts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from llm.errors import ApplyError, LockedError
from llm.ledger.home import own_directory, state_directory
from llm.ledger.ours import forget, is_ours, note

WRITABLE = "make it a directory that you may write to: an apply keeps its lock and the old files there"
NOTABLE = "make it writable, or set XDG_STATE_HOME: an apply notes there what is its own"
_NAME = "apply.lock"
_LOOK_S = 0.5
_MOST_BYTES = 64 << 10
_MOST_REASON = 3000
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """What a lock says. `kept` is why it stays although its process is done, "" where it does not. `at` is seconds
    since the epoch."""

    id: str
    pid: int
    at: float
    what: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the lock stands: `alive` while a process holds it; `holder`: None where nobody did that is believed."""

    alive: bool = False
    holder: Holder | None = None

    @property
    def left_over(self) -> bool:
        """Whether a process that is gone left it."""
        return bool(self.holder) and not self.alive


class Lock:
    """A lock that is held. `left` is what the file said before: who did not take it away."""

    def __init__(self, file: int, holder: Holder, left: Holder | None) -> None:
        self._file = file
        self.holder = holder
        self.left = left
        self._write()

    def keep(self, reason: str) -> None:
        """Stay locked after this process, for this reason, until `torre unlock`. ApplyError."""
        told = reason.encode("utf-8", "backslashreplace")[:_MOST_REASON].decode("utf-8", "ignore")
        self.holder = replace(self.holder, kept=told)  # a name in it may not be UTF-8
        self._write()

    def _write(self) -> None:
        """Padded to one block, so that a reason fits in whatever room the disk has left by then."""
        raw = msgspec.json.encode(self.holder).ljust(_BLOCK)
        try:
            if os.pwrite(self._file, raw, 0) < len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.ftruncate(self._file, len(raw))
            os.fsync(self._file)
        except OSError as error:
            raise ApplyError(f".torre/{_NAME}: cannot be written: {error.strerror}") from error


@contextmanager
def hold(root: Path, env: Mapping[str, str], what: str, break_kept: bool = False) -> Iterator[Lock]:
    """The lock of a root. ApplyError, with the reason, where another process has it or it was kept.

    `break_kept` takes over a lock that was kept: for `torre unlock`, which then removes it.
    """
    own_directory(root, remedy=WRITABLE)
    notes = _notes(env)
    file, path = _open(root)
    try:
        left = _read(file, notes)
        if left and left.kept and not break_kept:
            raise _locked(root, f"{left.kept}; look at it, then `torre unlock`")
        holder = Holder(secrets.token_hex(16), os.getpid(), time.time(), what)
        note(notes, holder.id, remedy=NOTABLE)
        lock = Lock(file, holder, left)
        try:
            yield lock
        finally:
            if left:
                forget(notes, left.id)
            if not lock.holder.kept:
                path.unlink(missing_ok=True)
                forget(notes, holder.id)
    finally:
        os.close(file)


def standing(root: Path, env: Mapping[str, str]) -> Standing:
    """Look at the lock, and leave it. ApplyError for one that cannot be looked at, or is none."""
    path = root / ".torre" / _NAME
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Standing()
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _refuse_odd(file, path)
        return Standing(not _flocked(file, fcntl.LOCK_SH), _read(file, _notes(env)))
    finally:
        os.close(file)


def refuse_locked(root: Path, env: Mapping[str, str]) -> None:
    """ApplyError where an apply would be refused: before a long search, not after it."""
    found = standing(root, env)
    if found.alive:
        raise _locked(root, _busy(found.holder))
    if found.holder and found.holder.kept:
        raise _locked(root, f"{found.holder.kept}; look at it, then `torre unlock`")


def _open(root: Path) -> tuple[int, Path]:
    """The file, flocked, and still the one that has the name: whoever lets go of a lock unlinks it."""
    path = root / ".torre" / _NAME
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            _refuse_odd(file, path)
            if not _taken(file):
                raise _locked(root, _busy(_read(file, None)))
            if _is_named(file, path):
                return os.dup(file), path
        finally:
            os.close(file)


def _taken(file: int) -> bool:
    """Whether it could be had: whoever only looks at it (`standing`) has it for a moment."""
    until = time.monotonic() + _LOOK_S
    while not _flocked(file, fcntl.LOCK_EX):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S / 20)
    return True


def _flocked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ApplyError(f".torre/{_NAME}: cannot be locked: {error.strerror}") from error
    return True


def _refuse_odd(file: int, path: Path) -> None:
    """ApplyError for what a lock is not: writing to a second name of a file would write to that file."""
    info = os.fstat(file)
    if stat.S_ISREG(info.st_mode) and info.st_nlink <= 1:
        return
    what = "has another name elsewhere" if stat.S_ISREG(info.st_mode) else "is no plain file"
    raise ApplyError(f"{path}: {what}; remove it")


def _is_named(file: int, path: Path) -> bool:
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    held = os.fstat(file)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


def _read(file: int, notes: Path | None) -> Holder | None:
    """What the lock says, None where that is nothing, or not believed (`notes` None: whoever wrote it lives)."""
    raw = os.pread(file, _MOST_BYTES, 0)
    try:
        holder = msgspec.json.decode(raw, type=Holder)
    except msgspec.MsgspecError:
        return None  # just made, or nobody's: the kernel's word stands
    return holder if notes is None or is_ours(notes, holder.id) else None


def _busy(holder: Holder | None) -> str:
    return f"{holder.what}, by process {holder.pid}" if holder else "another process is applying"


def _locked(root: Path, reason: str) -> LockedError:
    return LockedError(f"{root} is locked: {reason}")


def _unusable(path: Path, error: OSError) -> ApplyError:
    what = "is a link; remove it" if error.errno == errno.ELOOP else f"cannot be opened: {error.strerror}"
    return ApplyError(f"{path}: {what}")


def _notes(env: Mapping[str, str]) -> Path:
    return state_directory(env) / "locks"
