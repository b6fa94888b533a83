"""Meeting rooms, booked by the minute."""

from rooms.calendar import Calendar, Conflict
from rooms.slot import Slot

__all__ = ["Calendar", "Conflict", "Slot"]
