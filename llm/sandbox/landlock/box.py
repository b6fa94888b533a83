"""A job's private folder where nothing can be mounted: a copy of the workspace, a home, and a pipe for the report.

The copy lies at the workspace's own path below the folder. What in it names the workspace by its absolute path
(links, the scripts of a virtual environment, its `.pth` files) is made to name the copy.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH115, PTH116, PTH119, PTH120, PTH123, PTH211
# (runs in the supervisor of each job, beside code that does without pathlib for speed)
from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
from typing import Any

from llm.sandbox.view import HIDDEN

_LOCATED = re.compile(r"\.(pth|egg-link)|pyvenv\.cfg|__editable__.*\.py|activate.*")
_SHEBANG_BYTES = 1 << 16


def relocate(text: bytes, old: bytes, new: bytes) -> bytes:
    """`text` with one absolute folder for another, where it stands as a whole path or begins one."""
    return re.sub(rb"(?<![\w.-])" + re.escape(old) + rb"(?![\w.-])", lambda _: new, text) if old in text else text


def place_in(folder: str, path: str) -> str:
    """Where in a box something lies that has this absolute path outside."""
    return f"{folder}/view{path}"


class Box:
    """Made empty by its constructor, readable to nobody else. OSError if there is no place for it."""

    def __init__(self, folder: str, workspace: str) -> None:
        self.folder = folder
        self.home = f"{folder}/home"
        self.report = f"{folder}/report"
        self.workspace = place_in(folder, workspace)
        self._original = workspace
        self._left = self._copied_bytes = self._copied = 0
        os.mkdir(folder, 0o700)

    def fill(self, owner: tuple[int, int], disk_bytes: int) -> None:
        """Copy the workspace, for this user and group to write to. OSError if it is larger than `disk_bytes`."""
        self._left = disk_bytes
        os.makedirs(os.path.dirname(self.workspace), exist_ok=True)
        self._copy_folder(self._original, self.workspace)
        os.makedirs(f"{self.home}/tmp")
        os.mkfifo(self.report, 0o600)
        self._copied_bytes, self._copied = self.usage()
        if owner != (os.geteuid(), os.getegid()):
            for place, _, files in os.walk(self.folder):
                for each in (place, *(f"{place}/{name}" for name in files)):
                    os.chown(each, *owner, follow_symlinks=False)

    def link_to(self, folder: str) -> None:
        """Show a folder of an ancestor of the workspace beside the copy, where that is looked for."""
        place = place_in(self.folder, folder)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(folder, place)

    def _copy_folder(self, source: str, target: str) -> None:
        os.mkdir(target)
        with os.scandir(source) as entries:
            for entry in entries:
                if entry.name != HIDDEN or source != self._original:
                    with contextlib.suppress(PermissionError):  # what Torre may not read, no job can need
                        self._copy(entry, f"{target}/{entry.name}")
        _like(source, target)

    def _copy(self, entry: os.DirEntry[str], target: str) -> None:
        """Links as links; devices, sockets and pipes not at all."""
        if entry.is_symlink():
            os.symlink(self._here(os.fsencode(os.readlink(entry.path))), target)
        elif entry.is_dir():
            self._copy_folder(entry.path, target)
        elif entry.is_file():
            self._copy_file(entry, target)

    def _copy_file(self, entry: os.DirEntry[str], target: str) -> None:
        size = entry.stat().st_size
        self._left -= size
        if self._left < 0:
            raise OSError("the workspace is larger than a job's disk may be")
        in_bin = os.path.basename(os.path.dirname(entry.path)) == "bin" and size < _SHEBANG_BYTES
        if in_bin or _LOCATED.search(entry.name):
            with open(entry.path, "rb") as source, open(target, "wb") as copy:
                copy.write(self._here(source.read()))
        else:
            shutil.copyfile(entry.path, target)
        _like(entry.path, target)

    def relocated(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is to run, told by the copy's path instead of the workspace's."""
        argv, env, directory = request["argv"], request["env"], request["directory"]
        moved = {"argv": [*map(self._moved, argv)], "env": {k: self._moved(v) for k, v in env.items()}}
        return {**request, **moved, "directory": self._moved(directory)}

    def _moved(self, text: str) -> str:
        return os.fsdecode(self._here(os.fsencode(text)))

    def _here(self, text: bytes) -> bytes:
        return relocate(text, os.fsencode(self._original), os.fsencode(self.workspace))

    def open_report(self) -> tuple[int, int]:
        """Reading end of the report's fifo, and a writing end that keeps it from ending while the job lives."""
        reader = os.open(self.report, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        writer = os.open(self.report, os.O_WRONLY | os.O_CLOEXEC)
        os.set_blocking(reader, True)
        return reader, writer

    def usage(self) -> tuple[int, int]:
        """Bytes on the disk, and entries, beyond the workspace as it was copied."""
        size, count = -self._copied_bytes, -self._copied
        for place, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                with contextlib.suppress(OSError):  # gone meanwhile
                    size += os.lstat(f"{place}/{name}").st_blocks * 512
                    count += 1
        return size, count

    def remove(self) -> None:
        """All of it, however deep it has become and whatever the job took from itself."""
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run(
                [*command, "--", self.folder],
                env={"PATH": "/usr/bin:/bin"},
                stderr=subprocess.DEVNULL,
                check=False,
            )


def _like(source: str, target: str) -> None:
    """Mode and times, and no bits that give other rights; a folder can be written to by its owner."""
    facts = os.stat(source)
    always = stat.S_IRWXU if stat.S_ISDIR(facts.st_mode) else stat.S_IRUSR
    os.chmod(target, facts.st_mode & 0o777 | always)
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
