"""The names of a workspace's first files, which the kernel is made to know ahead of a job."""

# ruff: noqa: PTH116, PTH118
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections import deque
from itertools import islice

from llm.sandbox import mounts

_NAMES, _MOMENT_S, _TICK_NS = 2000, 0.05, 20_000_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class KnownNames:
    """Looked up in the view's workspace, through its overlay. That is new for each job, and a first look at a file
    costs it half of what reading the file does.

    The overlay holds on to what it has looked up, also where the workspace gets another file of that name. `host`
    is the folder that it lies over: by it is told whether that can be.
    """

    def __init__(self, workspace: int, host: str) -> None:
        self._workspace = workspace
        self._host = host
        self._changed: dict[str, int] = {}

    def look_up(self, until: socket.socket) -> None:
        """If no job comes for a moment, look names up till one does. No file is opened and no link followed."""
        folders, left, wait_s = deque(["."]), _NAMES, _MOMENT_S
        while folders and left > 0 and not select.select([until], [], [], wait_s)[0]:
            wait_s = 0.0
            with contextlib.suppress(OSError):  # gone, or not to be read: a job that wants it will find out
                left -= self._look_into(folders.popleft(), folders)

    def still_hold(self) -> bool:
        """Whether no name was given to another file since, as far as folders tell by when they were changed."""
        try:
            return all(self._last_change(folder) == time_ns for folder, time_ns in self._changed.items())
        except OSError:
            return False

    def _last_change(self, folder: str) -> int:
        return os.stat(os.path.join(self._host, folder), follow_symlinks=False).st_ctime_ns

    def _look_into(self, folder: str, folders: deque[str]) -> int:
        """How many names there were. Its folders are added."""
        last_change, count = self._last_change(folder), 0
        if time.time_ns() - last_change < _TICK_NS:  # another change would not show
            return 0
        self._changed[folder] = last_change
        opened = mounts.open_beneath(self._workspace, folder, _FOLDER)
        try:
            with os.scandir(opened) as entries:
                for count, entry in enumerate(islice(entries, _NAMES), 1):  # noqa: B007 (returned)
                    entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                        folders.append(os.path.join(folder, entry.name))
        finally:
            os.close(opened)
        return count
