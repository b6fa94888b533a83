"""The bookings of one room on one day."""

from __future__ import annotations

from rooms.slot import Slot


class Conflict(Exception):
    """The room is taken; `taken` is the earliest booking in the way."""

    def __init__(self, taken: Slot) -> None:
        super().__init__(f"taken from {taken.start} to {taken.end}")
        self.taken = taken


class Calendar:
    def __init__(self) -> None:
        self._booked: list[Slot] = []

    def book(self, wanted: Slot) -> None:
        for slot in self._booked:
            if slot.overlaps(wanted):
                raise Conflict(slot)
        self._booked.append(wanted)
        self._booked.sort()

    def booked(self) -> tuple[Slot, ...]:
        """All bookings, earliest first."""
        return tuple(self._booked)

    def occupied_minutes(self, within: Slot) -> int:
        """How long the room is taken during a stretch of the day."""
        return sum(slot.shared_minutes(within) for slot in self._booked)
