"""How many backups of each kind are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """The last so many days, and the newest backup of each of the last so many months."""

    days: int = 7
    months: int = 6

    def __post_init__(self) -> None:
        if self.days < 1 or self.months < 0:
            raise ValueError("a policy keeps at least one day")
