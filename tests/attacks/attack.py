"""What an attack is: a name, Python that tries it, and what has to be so for it to work outside of a sandbox."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Control(StrEnum):
    """Where the positive control runs: the same code, unconfined."""

    PLAIN = "a plain process"
    ROOT = "a plain process of root's"
    NAMESPACES = "a process with all capabilities in user, mount, network and other namespaces of its own"


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile behaviour that does not disturb others, so that many share a job.

    `code` sees the names of `tries.PRELUDE`. It got through if it says so with `through()`, if it made
    `outside/SLUG` on the host, or if it changed its victim: a file that must still hold `intact` afterwards,
    at this path relative to the workspace, by default `victims/SLUG` (also linked as `hard/SLUG`).
    """

    name: str
    code: str
    control: Control = Control.PLAIN
    victim: str = ""
    optional: bool = False
    """Not every kernel has what it attacks: `ENOSYS` or a missing file is then no answer of the control's."""

    @property
    def slug(self) -> str:
        """The name as a file name."""
        return re.sub(r"\W+", "-", self.name).strip("-")


@dataclass(frozen=True, slots=True)
class Siege:
    """One hostile behaviour that takes the whole job: a bomb, a flood, a hang.

    Held if every field of Completed in `ends` has that value, nothing printed `THROUGH`, and it took at most
    `within_s`. `control` is a bounded form of it (the same code, if that is bounded): unconfined it prints
    `THROUGH`, or, where it cannot print that, holds up its caller.
    """

    name: str
    code: str
    ends: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    control: str = ""
    within_s: float = 15.0
