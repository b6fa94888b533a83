"""What was used, by month, and the JSON that the web package shows."""

from collections.abc import Iterable
from typing import NamedTuple

from meter.reading import Reading, in_order


class Usage(NamedTuple):
    month: str
    kwh: int


def monthly(readings: Iterable[Reading]) -> list[Usage]:
    """Use by month; what was used between two readings belongs to the month of the later one."""
    sums: dict[str, int] = {}
    previous: Reading | None = None
    for reading in in_order(readings):
        if previous is not None:
            month = reading.day.strftime("%Y-%m")
            sums[month] = sums.get(month, 0) + reading.kwh - previous.kwh
        previous = reading
    return [Usage(month, kwh) for month, kwh in sums.items()]


def report(readings: Iterable[Reading]) -> str:
    """A JSON array of objects with `month` and `kwh`, oldest month first."""
    return json.dumps([usage._asdict() for usage in monthly(readings)])
