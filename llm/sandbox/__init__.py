"""Isolated execution; the only room that starts processes. One backend a file in `backends/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the launcher imports this package: what it does not need must not cost it time
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from llm.sandbox.base import Backend, Probe, Sandbox


def _backends() -> list[Backend]:
    from llm.plugins import load_all

    return sorted(load_all("sandbox.backends", "BACKEND"), key=lambda backend: backend.rank)


def probe_all() -> tuple[Probe, ...]:
    """Every backend's probe, the preferred one first."""
    return tuple(backend.probe() for backend in _backends())


def open_sandbox(workspace: Path, binds: Iterable[Path] = ()) -> AbstractContextManager[Sandbox]:
    """A sandbox over `workspace` by the first backend that works here. SandboxError, with its remedy, if none."""
    from llm.errors import SandboxError

    problems = []
    for backend in _backends():
        probe = backend.probe()
        if not probe.problem:
            return backend.open(workspace.resolve(), binds)
        problems.append(probe)
    reasons = "; ".join(f"{p.name}: {p.problem}" for p in problems)
    raise SandboxError(f"no sandbox works here ({reasons})", next((p.remedy for p in problems if p.remedy), ""))
