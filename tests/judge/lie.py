"""What a way to make a check lie is."""

from __future__ import annotations

from dataclasses import dataclass

from tests.judge.court import Change


@dataclass(frozen=True)
class Lie:
    """A dishonest change to one project (a key of `PROJECTS`), and the reason that it must be refused for."""

    tool: str
    change: Change
    reason: str
