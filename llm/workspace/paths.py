"""Which paths may be touched at all: plain relative ones that no symlink leads astray."""

from __future__ import annotations

import os
import re
import stat
from hashlib import sha256
from pathlib import Path

from llm.domain import DiscardReason
from llm.errors import DiffError

OWN = frozenset({".git", ".torre"})
"""Directories that no candidate may touch, whatever a policy allows."""

_DRIVE = re.compile(r"[A-Za-z]:")
_SHORT_NAMES = re.compile(r"(?:git|torre)~\d+")
# Code points that a file system may leave out when it compares names, as HFS+ does, and ext4 and tmpfs where they
# fold case: `.g\u200cit` is `.git` there. They are those that Unicode calls ignorable.
_IGNORED = dict.fromkeys(
    [
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),
        *range(0xE0000, 0xE1000),
    ]
)
_NAME_BYTES, _PATH_BYTES = 255, 4000
_FILE_BYTES = 16 << 20
_TEXT_BYTES = 1 << 20


def flaw(path: str) -> str:
    """Why `path` is not a plain path inside a workspace on any common file system, or ""."""
    if not path or "\0" in path:
        return "it is empty or holds a NUL"
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        return "it is absolute, or written for Windows"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it holds an empty part, '.' or '..'"
    return _too_long(path, parts) or next((why for part in parts if (why := _disguise(part))), "")


def symlink_in(path: str, workspace: Path) -> str:
    """The first part of `path` that is a symlink in the workspace (the last one counts), or ""."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        part = "/".join(parts[:depth])
        try:
            mode = os.lstat(f"{workspace}/{part}").st_mode
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISLNK(mode):
            return part
    return ""


def refuse_escape(path: str, workspace: Path) -> None:
    """DiffError(PATH_ESCAPE) unless `path` is plain and passes through no symlink, wherever that may lead."""
    why = flaw(path)
    if not why and (link := symlink_in(path, workspace)):
        why = f"{link!r} is a symlink"
    if why:
        raise DiffError(DiscardReason.PATH_ESCAPE, f"path {path[:200]!r} is refused: {why}")


def read(path: str, workspace: Path) -> bytes | None:
    """The content of a plain file of the workspace, None where there is none.

    DiffError: INVALID_DIFF for what is no plain file or cannot be read, TOO_LARGE above 16 MB, PATH_ESCAPE.
    """
    refuse_escape(path, workspace)
    try:
        info = os.lstat(f"{workspace}/{path}")
        if not stat.S_ISREG(info.st_mode):
            raise DiffError(DiscardReason.INVALID_DIFF, f"{path!r} is not a plain file")
        if info.st_size > _FILE_BYTES:
            raise DiffError(DiscardReason.TOO_LARGE, f"{path!r} is larger than {_FILE_BYTES} bytes")
        return Path(f"{workspace}/{path}").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise DiffError(DiscardReason.INVALID_DIFF, f"{path!r} cannot be read") from error


def text(file: Path) -> str:
    """A file's text; "" of what is no file (a pipe, a link to a device), unreadable, or too large to be a
    configuration."""
    try:
        known = file.is_file() and file.stat().st_size <= _TEXT_BYTES
        return file.read_text(errors="replace") if known else ""
    except OSError:
        return ""


def hash_of(content: bytes | None) -> str | None:
    """The SHA-256 of a file's content, None for a file that is not there."""
    return None if content is None else sha256(content).hexdigest()


def folded(path: str) -> str:
    """`path` as a file system that ignores case and invisible code points would compare it."""
    return path.translate(_IGNORED).casefold()


def _too_long(path: str, parts: list[str]) -> str:
    try:
        sizes = [len(os.fsencode(part)) for part in parts]
    except UnicodeEncodeError:
        return "it cannot be encoded"
    return "it is too long" if max(sizes) > _NAME_BYTES or sum(sizes) + len(parts) > _PATH_BYTES else ""


def _disguise(part: str) -> str:
    """Why this part may be another name on some file system: `.GIT`, `git~1`, `.git.`, `.git::$DATA`."""
    seen = folded(part)
    plain = seen.partition(":")[0].rstrip(" .")
    if part not in OWN and (plain in OWN or _SHORT_NAMES.fullmatch(plain)):
        return f"{part!r} is another name of .git or .torre"
    return "a part ends in a dot or a space" if seen.endswith((".", " ")) else ""
