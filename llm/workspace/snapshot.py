"""What is repaired, as it lies on disk: where it begins, whether it moved, and the texts of its sources."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from llm.errors import WorkspaceError

MAX_FILE_BYTES = 1 << 20
MAX_TOTAL_BYTES = 64 << 20

_SKIPPED = frozenset(
    {
        *(".git", ".hg", ".svn", ".torre", "node_modules", ".venv", "venv", "__pycache__", ".mypy_cache"),
        *(".pytest_cache", ".ruff_cache", ".tox", ".nox", ".hypothesis", ".cache", ".eggs", ".next", ".turbo"),
    }
)
_VENDORED = _SKIPPED | {"vendor", "third_party", "bower_components", "site-packages", "dist", "target"}
_SOURCES = (
    *(".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte", ".json"),
    *(".toml", ".cfg", ".ini", ".yaml", ".yml", ".go", ".mod", ".rs", ".c", ".h", ".cc", ".cpp", ".hpp", ".java"),
    *(".kt", ".rb", ".sh", ".md", ".rst", ".css", ".scss", ".html"),
)


def open_workspace(path: Path) -> Path:
    """The workspace's resolved absolute path. WorkspaceError where it is missing, a file or unreadable."""
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_dir():
            raise WorkspaceError("workspace", f"{path} is not a directory")
        with os.scandir(resolved):
            return resolved
    except FileNotFoundError:
        raise WorkspaceError("workspace", f"{path} does not exist") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise WorkspaceError("workspace", f"{path!s} cannot be read: {error}") from error


def root_of(start: Path) -> Path:
    """The nearest directory from `start` upwards that holds `.torre/` or `.git`, else `start`, absolute.

    Above `start`, only directories that belong to this user or to the owner of `start` and that not everybody may
    write to: `/tmp/.torre`, or one in `/`, is somebody else's or an accident, and rules nobody's project.
    """
    start = start.resolve()
    trusted = {os.geteuid()}
    if start.exists():  # what is not there is refused elsewhere, by its name
        trusted.add(start.stat().st_uid)
    above = (place for place in start.parents if place != place.parent and _is_kept_by(trusted, place))
    holders = (place for place in (start, *above) if _is_root(place))
    return next(holders, start)


def _is_root(place: Path) -> bool:
    try:
        return (place / ".torre").is_dir() or (place / ".git").exists()
    except PermissionError:  # closed to us: it is refused elsewhere, by its name, if it is the workspace
        return False


def _is_kept_by(owners: set[int], place: Path) -> bool:
    if not place.exists():
        return False
    info = place.stat()
    return info.st_uid in owners and not info.st_mode & stat.S_IWOTH


def fingerprint(workspace: Path) -> str:
    """A key that changes when any file does: path, size, mtime, mode and inode; no content is read.

    Left out are `.git`, `.torre`, `node_modules`, virtual environments and caches.
    """
    digest = blake2b(digest_size=16)
    for path, entry in _walk(str(workspace), _SKIPPED):
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:  # it went meanwhile, or lies where we may list but not look
            continue
        facts = f"{info.st_size} {info.st_mtime_ns} {info.st_mode} {info.st_ino}"
        digest.update(os.fsencode(path) + b"\0" + facts.encode() + b"\0")
    return digest.hexdigest()


def read_sources(workspace: Path) -> Mapping[str, str]:
    """Texts of the source files by relative path: UTF-8, without BOM, newlines as they are.

    Left out: vendored directories, symlinks, binaries, what is not UTF-8 or larger than 1 MB, and what comes after
    64 MB in all.
    """
    sources: dict[str, str] = {}
    left = MAX_TOTAL_BYTES
    for path, entry in _walk(str(workspace), _VENDORED):
        if path.endswith(_SOURCES) and (content := _content(entry, min(left, MAX_FILE_BYTES))) is not None:
            left -= len(content)
            text = decoded(content)
            if text is not None:
                sources[path] = text
    return sources


def _walk(top: str, skipped: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All entries but directories with their relative paths, in a fixed order; symlinks are never followed."""
    waiting = [(top, "")]
    while waiting:
        directory, prefix = waiting.pop()
        folders = []
        for entry in _entries(directory):
            if not entry.is_dir(follow_symlinks=False):
                yield prefix + entry.name, entry
            elif entry.name not in skipped:
                folders.append((entry.path, f"{prefix}{entry.name}/"))
        waiting += reversed(folders)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:  # it went while we walked, is closed to us, or too deep: then its files are no sources either
        return []


def _content(entry: os.DirEntry[str], limit: int) -> bytes | None:
    try:
        info = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(info.st_mode) or info.st_size > limit:
            return None
        return Path(entry.path).read_bytes()[:limit]
    except OSError:
        return None


def decoded(content: bytes) -> str | None:
    """UTF-8 text without its BOM; None for what is binary or another encoding."""
    try:
        return None if b"\0" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
