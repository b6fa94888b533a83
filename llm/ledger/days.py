"""Calendar days in a time zone, as intervals of epoch seconds: right on a day of 23 or 25 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """`label` is the ISO date; the day holds every instant with `starts_at <= t < ends_at` (epoch seconds)."""

    label: str
    starts_at: float
    ends_at: float


class Days:
    """Finds the day of an instant; remembers the last one, because the next question is nearly always in it."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        # UTC needs no time zone database; a slim container may have none.
        self._zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
        self._last = Day("", 0.0, 0.0)

    def at(self, instant: float) -> Day:
        """The day that holds `instant`, a pure function of it and of the zone."""
        if not self._last.starts_at <= instant < self._last.ends_at:
            self._last = self._find(instant)
        return self._last

    def around(self, instant: float) -> tuple[Day, Day, Day]:
        """The day before, the day of, and the day after `instant`, for a store with a clock of its own."""
        today = self.at(instant)
        return self._find(today.starts_at - 1), today, self._find(today.ends_at)

    def _find(self, instant: float) -> Day:
        # By first midnights and not by the local date: where a clock steps back across midnight, the local date
        # returns to yesterday for a while, and a day that was closed must not open again.
        day = datetime.fromtimestamp(instant, self._zone).date()
        while self._midnight(day + _ONE) <= instant:
            day += _ONE
        while self._midnight(day) > instant:
            day -= _ONE
        return Day(day.isoformat(), self._midnight(day), self._midnight(day + _ONE))

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time.min, self._zone).timestamp()
