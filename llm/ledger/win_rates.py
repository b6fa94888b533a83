"""How often a lane proved a fix, counted from what became of its part in each run, and how sure that is."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

from llm.ledger.trace_rows import WinRate

_Z = 1.959964
_NONE: Mapping[str, object] = MappingProxyType({})


class Judged(NamedTuple):
    """The runs of a stage in which one lane was judged: the sums of a `WinRate`, and the provider's milliseconds
    for an answer, run by run."""

    stage: str
    lane: str
    asked: int
    proved: int
    won: int
    usd_micros: int
    unpriced: int
    times_ms: list[int]

    @property
    def rate(self) -> WinRate:
        """Told with the median of the times."""
        return WinRate(*self[:7], round(median(self.times_ms)) if self.times_ms else 0)


def judged(
    db: sqlite3.Connection, where: str = "true", values: Mapping[str, object] = _NONE
) -> tuple[Judged, ...]:
    """One row a stage and lane, in their order; a run in which the lane was not judged is left out. `where` is an
    SQL condition on shares, with its `values`."""
    rows = db.execute(
        f"""SELECT stage, lane, count(*), sum(proved), sum(won), sum(usd_micros), sum(unpriced),
        group_concat(answer_ms) FROM share WHERE judged AND {where} GROUP BY lane, stage""",
        dict(values),
    )
    made = (Judged._make((*row[:7], list(map(int, row[7].split(","))) if row[7] else [])) for row in rows)
    return tuple(sorted(made))


def all_stages(rows: Iterable[Judged]) -> tuple[Judged, ...]:
    """One row a lane, of all its stages together: stage ""."""
    lanes: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        lanes[row.lane].append(row)
    return tuple(_together(lane, found) for lane, found in sorted(lanes.items()))


def _together(lane: str, rows: Iterable[Judged]) -> Judged:
    _, _, *sums, times_ms = zip(*rows, strict=True)
    return Judged._make(("", lane, *map(sum, sums), [ms for each in times_ms for ms in each]))


def interval(proved: int, asked: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where the true rate may well be, honest also for few runs."""
    if asked == 0:
        return 0.0, 1.0
    share, z2 = proved / asked, _Z * _Z
    middle = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    half = _Z / (1 + z2 / asked) * sqrt(share * (1 - share) / asked + z2 / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)
