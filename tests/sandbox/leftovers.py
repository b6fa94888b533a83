"""Processes that outlived what they belong to, sought by a mark: a text in their argv or their mounts."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def marked(mark: str) -> list[str]:
    """Living processes with the mark in their argv, or with a mount of that name (the workspace, in a sandbox)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            line = _read(entry / "cmdline")
            if mark in line or mark in _read(entry / "mountinfo"):
                found.append(f"{entry.name} {line}")
    return found


def assert_gone(mark: str, within_s: float = 20) -> None:
    """Nothing with the mark lives, or at least not for long: a busy machine takes its time to kill."""
    end = time.monotonic() + within_s
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not left, left


def _read(file: Path) -> str:
    with suppress(OSError):  # it has ended, or is not ours to look at
        return file.read_text(errors="replace")
    return ""
