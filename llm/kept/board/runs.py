"""Page 5: the runs one by one, and what was decided in each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llm.errors import InputError
from llm.kept.board.filters import Filter
from llm.kept.board.table import Table
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_lines import Decision, Place

__all__ = ["Decision", "Page", "part", "runs"]

_PAST_LAST = 1 << 63
"""SQLite has no larger numbers."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of them, newest first. `next` is the cursor of the following one, "" on the last. `total` counts all
    of the filter, on every page."""

    filter: Filter
    runs: Table[Decision]
    next: str
    total: int


def runs(figures: TraceFigures, chosen: Filter, cursor: str = "", limit: int = 50) -> Page:
    """The page that the cursor leads to; runs that are added meanwhile neither shift nor double any.

    InputError for what is no cursor; LedgerError."""
    shown, following = part(figures, chosen, cursor, limit)
    return Page(chosen, shown, following, figures.count(chosen))


def part(figures: TraceFigures, chosen: Filter, cursor: str, limit: int) -> tuple[Table[Decision], str]:
    """The runs of that page and the cursor of the following one, without counting all: as `runs`."""
    found = tuple(figures.lines(chosen, _place(cursor), limit + 1).items())
    shown = found[:limit]
    return Table(line for _, line in shown), _cursor(shown[-1][0]) if len(found) > limit else ""


def _cursor(last: Place) -> str:
    return f"{last.started!r}-{last.number}"


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    started, _, number = cursor.rpartition("-")
    try:
        place = Place(float(started), int(number))
    except ValueError:
        place = Place(math.nan, 0)
    if not (math.isfinite(place.started) and 0 <= place.number < _PAST_LAST):
        raise InputError("cursor", f"{cursor[:60]!r} leads to no page")
    return place
