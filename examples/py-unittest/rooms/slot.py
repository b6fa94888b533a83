"""A stretch of one day, in minutes since midnight; the end is not part of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Slot:
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= 24 * 60:
            raise ValueError(f"not a stretch of one day: {self.start}-{self.end}")

    @property
    def minutes(self) -> int:
        return self.end - self.start

    def shared_minutes(self, other: Slot) -> int:
        """Minutes that are part of both slots; 0 where they only touch or lie apart."""
        begin = max(self.start, other.start)
        finish = min(self.end, self.end)
        return max(0, finish - begin)

    def overlaps(self, other: Slot) -> bool:
        return self.shared_minutes(other) > 0
