"""A number on a meter at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, order=True)
class Reading:
    day: date
    kwh: int


def in_order(readings: Iterable[Reading]) -> list[Reading]:
    """Readings by day. A meter never runs backwards: ValueError if one does."""
    ordered = sorted(readings)
    for earlier, later in zip(ordered, ordered[1:], strict=False):
        if later.kwh < earlier.kwh:
            raise ValueError(f"the meter ran backwards on {later.day}")
    return ordered
