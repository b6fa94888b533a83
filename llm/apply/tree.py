"""A directory whose files are reached part by part, by descriptor: no symlink is followed, not even one that is
put in the way while this works. A file is replaced whole, by a rename, and is on the disk when the call returns.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from llm.errors import ApplyError
from llm.workspace.paths import hash_of

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo must not hang us
_LINKS = (errno.ELOOP, errno.ENOTDIR)
_KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access", "security.selinux")
_NO_ATTRIBUTES = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL)


class NoFileError(ApplyError):
    """What has the name is no plain file, or is reached through a link or through what is no directory."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes and what goes with them. `exact`: the umask does not narrow the mode, the owner is kept.
    `attributes` are extended ones, access control lists among them."""

    data: bytes
    mode: int = 0o666
    exact: bool = False
    uid: int = -1
    gid: int = -1
    attributes: Mapping[str, bytes] = field(default_factory=dict)


def data_of(content: Content | None) -> bytes | None:
    """The bytes, None where there is no file."""
    return None if content is None else content.data


class Tree:
    """Files below one directory, by relative path. ApplyError for what is no plain file or cannot be reached."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Tree:
        """The tree of a directory, whose own path is taken as it is."""
        with _named(str(path)):
            return cls(os.open(path, _DIRECTORY))

    def below(self, path: str) -> Tree:
        """The tree of a directory in this one; "." is this one again."""
        with _named(path):
            return Tree(os.dup(self._descriptor) if path == "." else self._folder(path.split("/")))

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        os.close(self._descriptor)

    def read(self, path: str) -> Content | None:
        """A plain file, None where there is none."""
        with _named(path):
            try:
                with self._parent(path) as (folder, name):
                    return _read(folder, name)
            except FileNotFoundError:
                return None

    def place(self, path: str, content: Content, spare: str, over: Collection[str | None] | None = None) -> None:
        """Put a file there through one named `spare` beside it. `over` (hashes; None: no file) is all that it may
        replace, looked at just before the rename."""
        with _named(path), self._parent(path) as (folder, name):
            _discard(folder, spare)
            try:
                _write(folder, spare, content)
                _require(folder, name, over)
                os.rename(spare, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                _discard(folder, spare)
                raise
            os.fsync(folder)

    def remove(self, path: str, over: Collection[str | None] | None = None) -> None:
        """Take a file away; none is fine. `over` as in `place`."""
        with _named(path):
            try:
                with self._parent(path) as (folder, name):
                    _require(folder, name, over)
                    _discard(folder, name)
                    os.fsync(folder)
            except FileNotFoundError:
                return

    def mode_of_directory(self, path: str) -> int | None:
        """Its permissions, None where there is no directory."""
        with _named(path):
            try:
                folder = self._folder(path.split("/"))
            except FileNotFoundError:
                return None
            mode = stat.S_IMODE(os.fstat(folder).st_mode)
            os.close(folder)
            return mode

    def make_directory(self, path: str, mode: int | None = None) -> None:
        """One more directory, durable; one that is there already is fine. `mode` None: as the umask has it."""
        with _named(path), self._parent(path) as (folder, name):
            with suppress(FileExistsError):
                os.mkdir(name, 0o777 if mode is None else mode, dir_fd=folder)
            made = os.open(name, _DIRECTORY, dir_fd=folder)  # it is one, and no link
            try:
                if _is_empty(made):  # new, or as a crash left it, right after it was made
                    _give(made, os.fstat(folder), mode)
            finally:
                os.close(made)
            os.fsync(folder)

    def remove_directory(self, path: str) -> None:
        """Take an empty directory away; one that is gone, or that somebody put something into, is left."""
        with _named(path):
            try:
                with self._parent(path) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
                    os.fsync(folder)
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                    raise

    def names(self, path: str) -> list[str]:
        """What lies in a directory, sorted; nothing where there is none."""
        with _named(path):
            try:
                folder = self._folder(path.split("/"))
            except FileNotFoundError:
                return []
            try:
                return sorted(entry.name for entry in os.scandir(folder))
            finally:
                os.close(folder)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        *above, name = path.split("/")
        folder = self._folder(above)
        try:
            yield folder, name
        finally:
            os.close(folder)

    def _folder(self, parts: list[str]) -> int:
        held = os.dup(self._descriptor)
        for part in parts:
            try:
                deeper = os.open(part, _DIRECTORY, dir_fd=held)
            finally:
                os.close(held)
            held = deeper
        return held


@contextmanager
def _named(path: str) -> Iterator[None]:
    """What the system says, with the path it is about."""
    try:
        yield
    except OSError as error:
        if error.errno in _LINKS:
            raise NoFileError(f"{path!r} passes through a symlink, or through what is no directory") from error
        if error.errno == errno.EISDIR:
            raise NoFileError(f"{path!r} is a directory") from error
        raise ApplyError(f"{path!r}: {error.strerror}") from error


def _read(folder: int, name: str) -> Content | None:
    try:
        file = os.open(name, _OLD, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(file, "rb") as opened:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            raise NoFileError(f"{name!r} is not a plain file")
        mode = stat.S_IMODE(info.st_mode)
        return Content(opened.read(), mode, True, info.st_uid, info.st_gid, _attributes(file))


def _attributes(file: int) -> dict[str, bytes]:
    """Those that belong to the name and not to the content: no capability (nor set-uid) outlives a change."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = [name for name in os.listxattr(file) if name.startswith(_KEPT_ATTRIBUTES)]
        return {name: os.getxattr(file, name) for name in names}
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return {}
        raise


def _require(folder: int, name: str, over: Collection[str | None] | None) -> None:
    if over is None:
        return
    found = _read(folder, name)
    if hash_of(data_of(found)) not in over:
        raise ApplyError(f"{name!r} was changed meanwhile")


def _is_empty(folder: int) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _give(made: int, owner: os.stat_result, mode: int | None) -> None:
    """An owner, so that root leaves nothing of its own in somebody's tree, and a mode."""
    if os.geteuid() == 0:
        os.fchown(made, owner.st_uid, owner.st_gid)
    if mode is not None:
        os.fchmod(made, mode)


def _write(folder: int, name: str, content: Content) -> None:
    with os.fdopen(os.open(name, _NEW, content.mode, dir_fd=folder), "wb") as file:
        file.write(content.data)
        file.flush()
        _give(file.fileno(), os.fstat(folder), None)
        if content.exact:
            if os.geteuid() == 0 and content.uid >= 0:
                os.fchown(file.fileno(), content.uid, content.gid)
            os.fchmod(file.fileno(), content.mode)
            _set_attributes(file.fileno(), content.attributes)
        os.fsync(file.fileno())


def _set_attributes(file: int, attributes: Mapping[str, bytes]) -> None:
    """After the mode, whose group bits are the mask of an access control list. One that the file system does not
    take from this user stays away: the bytes matter more."""
    for name, value in attributes.items():
        try:
            os.setxattr(file, name, value)
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise


def _discard(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
