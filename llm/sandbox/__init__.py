"""Isolated execution; the only room that starts processes. One backend a file in `backends/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the launcher imports this package: what it does not need must not cost it time
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from llm.domain import Isolation
    from llm.errors import SandboxError
    from llm.sandbox.base import Backend, Probe, Sandbox


def _backends() -> list[Backend]:
    from llm.plugins import load_all

    return sorted(load_all("sandbox.backends", "BACKEND"), key=lambda backend: backend.rank)


def probe_all() -> tuple[Probe, ...]:
    """Every backend's probe, the preferred one first."""
    from dataclasses import replace

    return tuple(replace(b.probe(), gives=b.gives, purpose=b.purpose) for b in _backends())


def open_sandbox(
    workspace: Path, binds: Iterable[Path] = (), least: Isolation | None = None
) -> AbstractContextManager[Sandbox]:
    """A sandbox over `workspace` by the first backend that works here and can give `least` (full isolation, unless
    told otherwise). Strong isolation costs time, and is given only to who asks for it.

    SandboxError, with its remedy, if none is. Whether the sandbox lacks something is for the caller to look at.
    """
    from llm.domain import Isolation

    wanted, problems = least or Isolation.FULL, []
    for backend in _backends():
        if not serves(backend.gives, wanted):
            continue
        probe = backend.probe()
        if not probe.problem:
            return backend.open(workspace.resolve(), binds)
        problems.append(probe)
    raise _none_works(wanted, problems)


def serves(given: Isolation, wanted: Isolation) -> bool:
    """Whether a sandbox of one isolation is taken where the least that is accepted is the other."""
    from llm.domain import Isolation

    order = list(Isolation)
    return given is wanted or (given is not Isolation.STRONG and order.index(given) < order.index(wanted))


def _none_works(wanted: Isolation, problems: list[Probe]) -> SandboxError:
    """Why, and what to do: the remedies, the preferred backend's first, and what else can be had here."""
    from llm.errors import SandboxError
    from llm.sandbox.diagnosis import ASK

    reasons = "; ".join(f"{p.name}: {p.problem}" for p in problems)
    tried = {p.name for p in problems}
    other = next((b for b in _backends() if b.name not in tried and not b.probe().problem), None)
    remedies = [p.remedy for p in problems if p.remedy not in ("", ASK)] or [ASK]
    if other:
        where = "in your own policy, ~/.config/torre/providers.yaml"
        remedies.append(f"`isolation: {other.gives}` {where} ({other.name} works here)")
    return SandboxError(f"no sandbox of {wanted} isolation works here ({reasons})", "; or ".join(remedies))
