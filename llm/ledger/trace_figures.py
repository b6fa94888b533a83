"""Figures of what the trace store keeps, counted by SQL over its narrow columns (see `trace_schema`).

Opened to look, as everything stood at that moment: nobody who writes has to wait, and nothing is written,
unless an older Torre left the file: it is brought up to date first, which waits as anyone does who writes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from llm.ledger.base import Amount
from llm.ledger.sent import WENT_OUT
from llm.ledger.sqlite_file import connect, named_errors, upgrade
from llm.ledger.trace_filter import (
    CHANGES,
    ENDS,
    IN_PARTS,
    INTERRUPTED,
    RUNNING,
    STAGES,
    Condition,
    Filter,
    numbers,
    of_runs,
    of_shares,
    parted,
)
from llm.ledger.trace_lines import Decision, Place, read_lines
from llm.ledger.trace_reading import going_on, read_runs, read_story
from llm.ledger.trace_rows import Change, RunRow, StoredRun
from llm.ledger.trace_schema import KIND
from llm.ledger.trace_within import Within, confine
from llm.ledger.win_rates import Judged, judged

_BUSY_S = 10.0
_CACHE = "PRAGMA cache_size = -32768"
"""In KiB: a page's questions go over the same narrow rows several times."""


_LANES = """
WITH RECURSIVE known(lane) AS (
    SELECT min(lane) FROM share
    UNION ALL SELECT (SELECT min(lane) FROM share WHERE lane > known.lane) FROM known WHERE known.lane IS NOT NULL
) SELECT lane FROM known WHERE lane IS NOT NULL"""
"""From each lane to the next: there are few of them, and many rows of each."""


class Tally(NamedTuple):
    """How many runs there are, how many stand how (`ENDS`), and what became of their patches last (`CHANGES`)."""

    runs: int
    ends: dict[str, int]
    changes: dict[str, int]


class LaneSpend(NamedTuple):
    """What one lane was sent and is known to have cost; `unpriced` attempts are in neither."""

    lane: str
    sent: int
    usd_micros: int
    unpriced: int


class Failures(NamedTuple):
    """`causes`: lane and cause → how many attempts were refused or failed so, and in how many runs. `instead`: a
    lane that brought no answer and the one that did (`NO_LANE`: none) → in how many runs."""

    causes: dict[tuple[str, str], tuple[int, int]]
    instead: dict[tuple[str, str], int]


class StageTimes(NamedTuple):
    """The runs of one stage that ended: how many, and the sums of their times in milliseconds. Of each run, the
    waiting is that of its slowest lane."""

    stage: str
    runs: int
    queue_ms: int
    provider_ms: int
    total_ms: int


class TraceFigures:
    """What the traces hold, as it stood when this was opened. For one thread, and for as long as a question takes.
    Every method: LedgerError where the file cannot be read."""

    def __init__(self, db: sqlite3.Connection, path: Path, within: Within | None = None) -> None:
        self._db = db
        self._path = path
        running = path.with_suffix(".running")
        with named_errors(path, _BUSY_S, KIND):
            db.execute(_CACHE)
            if within is not None:
                confine(db, within)
            before = going_on(running)
            db.execute("BEGIN")
            db.execute(KIND.identify).fetchone()
            # A run may begin before the view is fixed, or end after it: either look may have missed its lock.
            self.alive = before | going_on(running)

    @classmethod
    def at(cls, path: Path, notes: Path | None = None, within: Within | None = None) -> TraceFigures:
        """Those in the file at `path`, or the part of them that lies `within`. `notes` is the directory that knows
        this user's files (None: any is believed). LedgerError."""
        db = connect(path, notes, _BUSY_S, KIND)
        try:
            return cls(db, path, within)
        except BaseException:
            db.close()
            raise

    @classmethod
    def of_nothing(cls) -> TraceFigures:
        """Those of a project in which no run was ever kept."""
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        upgrade(db, KIND.scripts)
        return cls(db, Path("/nowhere/traces.sqlite"))

    def __enter__(self) -> TraceFigures:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._db.close()

    def places(self) -> tuple[tuple[str, str], ...]:
        """The workspaces and stages that occur together."""
        return tuple(self._rows("SELECT DISTINCT workspace, stage FROM run"))

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """The lanes that had part in a run, in order."""
        return tuple(row[0] for row in self._rows(_LANES))

    def count(self, chosen: Filter) -> int:
        """How many runs there are."""
        where = of_runs(chosen, self.alive)
        return int(self._rows(f"SELECT count(*) FROM run WHERE {where.sql}", where.values)[0][0])

    def tallies(self, chosen: Filter, begins: Sequence[float]) -> list[Tally]:
        """Count the runs, by how they stand and by what became of them: a tally for each part of the filter's
        time. Parts are told by their beginnings, and the last one ends where the filter does."""
        where, parts = of_runs(chosen, self.alive, IN_PARTS), parted(begins)
        going_on = f"iif(id IN ({numbers(self.alive)}), '{RUNNING}', '{INTERRUPTED}')"
        found = self._rows(
            f"""{parts.sql} SELECT number, iif(outcome = '', {going_on}, outcome), change, count(*)
            FROM part CROSS JOIN run WHERE {where.sql} GROUP BY 1, 2, 3""",
            {**where.values, **parts.values},
        )
        return [_tally(row[1:] for row in found if row[0] == number) for number in range(len(begins))]

    def spends(self, chosen: Filter, begins: Sequence[float]) -> list[tuple[LaneSpend, ...]]:
        """What each lane cost, in the order of their names, in each of such parts; those that were sent nothing
        are left out."""
        where, parts = of_shares(chosen, self.alive, IN_PARTS), parted(begins)
        found = self._rows(  # each part of each lane by itself, for they lie together: nothing has to be sorted
            f"""{parts.sql} SELECT number, asked.value, (
                SELECT json_array(sum(sent), sum(usd_micros), sum(unpriced))
                FROM share WHERE lane = asked.value AND stage IN ({STAGES}) AND {where.sql})
            FROM part CROSS JOIN json_each(:lanes) AS asked ORDER BY 1, 2""",
            {**where.values, **parts.values, "lanes": json.dumps(self.lanes)},
        )
        told: list[list[LaneSpend]] = [[] for _ in begins]
        for number, lane, sums in found:
            spent = LaneSpend(lane, *json.loads(sums))
            told[number] += [spent] if spent.sent else []
        return [tuple(each) for each in told]

    def green_ms(self, chosen: Filter) -> list[int]:
        """How long each green run took, the shortest first, in milliseconds."""
        where = of_runs(chosen, self.alive)
        question = f"SELECT group_concat(duration_ms) FROM run WHERE outcome = 'green' AND {where.sql}"
        told = self._rows(question, where.values)[0][0]  # one text is read faster than so many rows
        return sorted(map(int, told.split(","))) if told else []

    def calls_to_green(self, chosen: Filter) -> tuple[tuple[int, int], ...]:
        """How many attempts were sent until it was green, and in how many runs; the fewest first."""
        where = of_runs(chosen, self.alive)
        question = f"SELECT calls, count(*) FROM run WHERE outcome = 'green' AND {where.sql} GROUP BY 1 ORDER BY 1"
        return tuple(self._rows(question, where.values))

    def times(self, chosen: Filter) -> tuple[StageTimes, ...]:
        """Where the time of the runs went that ended, by stage."""
        where = of_runs(chosen, self.alive)
        found = self._rows(
            f"""SELECT stage, count(*), coalesce(sum(queue_ms), 0), coalesce(sum(provider_ms), 0), sum(duration_ms)
            FROM run WHERE outcome != '' AND {where.sql} GROUP BY 1 ORDER BY 1""",
            where.values,
        )
        return tuple(StageTimes(*row) for row in found)

    def wins(self, chosen: Filter) -> tuple[Judged, ...]:
        """How each lane fared in each stage, over the runs that ended."""
        where = of_shares(chosen, self.alive)
        with named_errors(self._path, _BUSY_S, KIND):
            return judged(self._db, where.sql, where.values)

    def failures(self, chosen: Filter) -> Failures:
        """How calls failed or were refused, and who answered instead."""
        where = of_shares(chosen, self.alive)
        calls: Counter[tuple[str, str]] = Counter()
        runs: Counter[tuple[str, str]] = Counter()
        instead: Counter[tuple[str, str]] = Counter()
        question = f"SELECT lane, causes, instead, count(*) FROM share WHERE causes != '' AND {where.sql}"
        for lane, causes, other, times in self._rows(f"{question} GROUP BY 1, 2, 3", where.values):
            if other:
                instead[lane, other] += times
            for cause, count in Counter(causes.split()).items():
                calls[lane, cause] += count * times
                runs[lane, cause] += times
        return Failures({key: (calls[key], runs[key]) for key in sorted(calls)}, dict(sorted(instead.items())))

    def burnt(self, since: float) -> dict[str, Amount]:
        """What each lane was sent since then, by whatever run."""
        found = self._rows(
            f"""SELECT lane, count(*), sum(tokens_in + tokens_out), coalesce(sum(usd_micros), 0),
            sum(usd_micros IS NULL) FROM attempt WHERE at >= ? AND {WENT_OUT}
            GROUP BY lane""",
            (since,),
        )
        return {lane: Amount(*used) for lane, *used in found}

    def lines(self, chosen: Filter, after: Place | None, limit: int) -> dict[Place, Decision]:
        """The runs one by one, the newest first; those that come after a place, or the first ones."""
        with named_errors(self._path, _BUSY_S, KIND):
            return read_lines(self._db, of_runs(chosen, self.alive), self.alive, after, limit)

    def line(self, trace_id: str) -> tuple[Place, Decision]:
        """The newest run of exactly this id, which must be there."""
        with named_errors(self._path, _BUSY_S, KIND):
            newest = Condition("id = (SELECT max(id) FROM run WHERE trace_id = :trace_id)", {"trace_id": trace_id})
            return next(iter(read_lines(self._db, newest, self.alive, None, 1).items()))

    def runs(self, limit: int, before: float | None = None) -> tuple[RunRow, ...]:
        """The newest runs first; `before`: only those that started earlier (epoch seconds)."""
        with named_errors(self._path, _BUSY_S, KIND):
            return read_runs(self._db, self.alive, limit, before)

    def story(self, prefix: str) -> StoredRun:
        """The run whose trace id begins so; of several with one id, the newest. InputError: none, or ambiguous."""
        with named_errors(self._path, _BUSY_S, KIND):
            return read_story(self._db, self.alive, prefix)

    def changes(self, number: int) -> tuple[Change, ...]:
        """What was done with the patch of the run of this number, oldest first."""
        question = "SELECT at, what, who, reason FROM change WHERE run = ? ORDER BY rowid"
        return tuple(Change(*row) for row in self._rows(question, (number,)))

    def _rows(self, question: str, values: dict[str, Any] | tuple[object, ...] = ()) -> list[Any]:
        with named_errors(self._path, _BUSY_S, KIND):
            return self._db.execute(question, values).fetchall()


def _tally(counts: Iterable[tuple[str, str, int]]) -> Tally:
    ends, changes = dict.fromkeys(ENDS, 0), dict.fromkeys(("", *CHANGES), 0)
    for end, change, runs in counts:
        ends[end] += runs
        changes[change] += runs
    del changes[""]
    return Tally(sum(ends.values()), ends, changes)
