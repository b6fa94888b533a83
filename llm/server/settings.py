"""What a server was told at its start, and the questions that follow from it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llm.errors import WorkspaceError
from llm.providers.credentials import is_loopback
from llm.workspace.snapshot import root_of

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """`roots` are resolved directories: no workspace lies elsewhere. `hosts` are the names it may be called by,
    beside its address. `queue` is how many jobs of one key may wait; `rate_per_s` requests of one key are answered
    in the long run, `burst` at once. `run_s` bounds a run, `grace_s` is what a run is given when the server has to
    stop. `demo`: what is served is made up.
    """

    roots: tuple[Path, ...]
    host: str = "127.0.0.1"
    port: int = 8321
    hosts: tuple[str, ...] = ()
    workers: int = 2
    queue: int = 32
    rate_per_s: float = 50.0
    burst: int = 200
    max_body_bytes: int = 8 * MIB
    run_s: float = 900.0
    grace_s: float = 20.0
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    demo: bool = False

    @property
    def home(self) -> Path:
        """Whose records the server keeps its own beside, and whose policy holds for requests without a
        workspace."""
        return root_of(self.roots[0])

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def called(self, host: str) -> bool:
        """Whether this is a name of the server's: a page of any other name, wherever it points, is not ours.

        An address cannot be rebound, so that any is good where the server listens on more than the loopback.
        """
        name = host.lower()
        if name in (*self.hosts, self.host):
            return True
        return is_loopback(name) or (not self.local and _is_address(name))

    def place(self, named: str | Path) -> Path:
        """Where a directory is that somebody names, resolved; from the first root, if it is relative.
        WorkspaceError: it can be none."""
        try:
            place = (self.roots[0] / named).resolve()
            str(place).encode("utf-8")  # it is told in JSON, and kept in a table
        except (OSError, RuntimeError, ValueError) as error:
            raise WorkspaceError("workspace", f"is no path: {error}") from error
        return place

    def serves(self, workspace: str, root: str) -> bool:
        """Whether a job may be done, and its records be looked at: its workspace is under the roots, or it has
        none and its records are the server's own. That a workspace is gone is no reason."""
        if not workspace and Path(root) == self.home:
            return True
        try:
            return self.contains(self.place(workspace or root))
        except WorkspaceError:
            return False

    def contains(self, place: Path) -> bool:
        """Whether a resolved path lies under one of the roots."""
        return any(place.is_relative_to(root) for root in self.roots)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
