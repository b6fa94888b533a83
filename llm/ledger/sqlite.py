"""The embedded quota store: one SQLite file (WAL), one `BEGIN IMMEDIATE` a step, counters instead of scans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from llm.errors import LedgerError
from llm.ledger.base import (
    CLOCK_SLACK_S,
    KEEP_CALLS_S,
    KEEP_DAYS,
    MINUTE_S,
    WORKSPACE,
    Amount,
    Claim,
    DayUsage,
    Grant,
    Refusal,
    Row,
    Standing,
    Swept,
    checks,
    day_row,
    minute_row,
    open_row,
    rows,
)
from llm.ledger.days import Day, Days
from llm.ledger.sqlite_file import atomic, connect

_ADD = """INSERT INTO bucket (scope, span, calls, tokens, usd_micros, unpriced) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, span) DO UPDATE SET calls = calls + excluded.calls, tokens = tokens + excluded.tokens,
    usd_micros = usd_micros + excluded.usd_micros, unpriced = unpriced + excluded.unpriced"""
_CALL = """INSERT INTO call (lane, run, day, state, at, lease_until, tokens, usd_micros, unpriced)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_SETTLE = """UPDATE call SET tokens = ?, usd_micros = ?, unpriced = ?, state = 'settled', lease_until = NULL
    WHERE id = ?"""
_HEALTH = """INSERT INTO health (lane, cooldown_until, cause, failures)
    VALUES (:lane, :until, :cause, :failures) ON CONFLICT (lane) DO UPDATE SET
    cause = iif(:until > cooldown_until, :cause, cause), cooldown_until = max(cooldown_until, :until),
    failures = failures + :failures"""
_LANES = "SELECT scope FROM bucket WHERE span = 'minute'"
_CURRENT = "SELECT scope, span, calls, tokens, usd_micros, unpriced FROM bucket WHERE span IN (?, ?, ?)"
_EMPTY = Amount()


class _Call(NamedTuple):
    """A row of the table of calls."""

    id: int
    lane: str
    run: str
    day: str
    state: str
    at: float
    recent: int
    tokens: int
    usd_micros: int
    unpriced: int

    @property
    def cost(self) -> Amount:
        """What is counted for it in each of its buckets."""
        return Amount(1, self.tokens, self.usd_micros, self.unpriced)

    @property
    def keys(self) -> tuple[Row, ...]:
        """Its buckets, in the order of `rows`."""
        return rows(self.lane, self.run, self.day)


def _cost(claim: Claim) -> Amount:
    return Amount(1, claim.tokens, claim.usd_micros or 0, int(claim.usd_micros is None))


def _current(lane: str, day: Day) -> tuple[Row, Row, Row]:
    """The buckets that tell where a lane stands now."""
    return minute_row(lane), day_row(lane, day.label), open_row(lane)


def _standing(used: Sequence[Amount], health: Sequence[Any] | None, now: float) -> Standing:
    until, cause, failures = health or (0.0, "", 0)
    left = max(0.0, until - now)
    minute, today, held = used
    return Standing(minute, today, held, left, cause if left else "", failures)


class SqliteStore:
    """A ledger in a file. `notes` is the directory that knows this user's ledgers (None: any is believed).

    `busy_s` bounds the wait for another process. `clock` gives epoch seconds; it is read after the lock is had.
    """

    def __init__(
        self, path: Path, notes: Path | None = None, busy_s: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._busy_s = busy_s
        self._clock = clock
        self._lock = Lock()
        self._days: dict[str, Days] = {}
        self._db = connect(path, notes, busy_s)
        self.sweep()

    def reserve(self, claim: Claim) -> Grant | Refusal:
        """See `QuotaStore.reserve`."""
        if claim.usd_micros is None and claim.caps.in_money:
            return Refusal("unpriced")
        with self._step() as now:
            day = self._day(claim.timezone, now)
            self._expire(now)
            self._forget("WHERE lane = ? AND recent = 1 AND sent_at <= ?", (claim.lane, now - MINUTE_S))
            keys = rows(claim.lane, claim.run, day.label)
            used = self._used(keys)
            refusal = self._unhealthy(claim, used[4].calls, now) or self._exhausted(claim, used, day, now)
            if refusal:
                return refusal
            cost = _cost(claim)
            self._add([(key, cost) for key in keys])
            # A reservation ends with its day: sent after midnight, it would be counted in the wrong one.
            until = min(now + claim.hold_s, day.ends_at)
            call = (claim.lane, claim.run, day.label, "reserved", now, until, *cost[1:])
            return Grant(int(self._db.execute(_CALL, call).lastrowid or 0), claim)

    def mark_sent(self, grant: Grant) -> Refusal | None:
        """See `QuotaStore.mark_sent`."""
        with self._step() as now:
            self._expire(now)
            call = self._call(grant)
            if call is None or call.state != "reserved":
                return Refusal("lease")
            if wait := self._cooldown(grant.claim.lane, now):
                self._close(call, "released")
                return Refusal("cooldown", wait)
            self._db.execute(
                "UPDATE call SET state = 'sent', sent_at = ?, recent = 1, lease_until = ? WHERE id = ?",
                (now, now + grant.claim.lease_s, grant.id),
            )
            return None

    def settle(self, grant: Grant, tokens: int, usd_micros: int | None, answered: bool = False) -> None:
        """See `QuotaStore.settle`."""
        with self._step():
            call = self._call(grant)
            if call is None or call.state in ("settled", "released"):
                return
            if call.state == "reserved":
                raise ValueError("a call is settled after it was sent")
            self._correct(call, tokens, usd_micros)
            if answered:
                self._db.execute("UPDATE health SET failures = 0 WHERE lane = ?", (call.lane,))

    def release(self, grant: Grant) -> None:
        """See `QuotaStore.release`."""
        with self._step():
            call = self._call(grant)
            if call is None or call.state == "released":
                return
            if call.state != "reserved":
                raise ValueError("a call that was sent can only be settled")
            self._close(call, "released")

    def sweep(self) -> Swept:
        """See `QuotaStore.sweep`."""
        with self._step() as now:
            swept = self._expire(now)
            self._db.execute("DELETE FROM call WHERE lease_until IS NULL AND at < ?", (now - KEEP_CALLS_S,))
            self._db.execute(
                "DELETE FROM bucket WHERE span LIKE 'run %' AND substr(span, 5) NOT IN (SELECT run FROM call)"
            )
            oldest = Days("UTC").at(now - KEEP_DAYS * 86400).label
            self._db.execute("DELETE FROM bucket WHERE span LIKE 'day %' AND substr(span, 5) < ?", (oldest,))
            return swept

    def cool(self, lane: str, seconds: float, cause: str) -> None:
        """See `QuotaStore.cool`."""
        with self._step() as now:
            self._db.execute(_HEALTH, {"lane": lane, "until": now + seconds, "cause": cause, "failures": 0})

    def failed(self, lane: str) -> int:
        """See `QuotaStore.failed`."""
        with self._step():
            self._db.execute(_HEALTH, {"lane": lane, "until": 0, "cause": "", "failures": 1})
            return int(self._db.execute("SELECT failures FROM health WHERE lane = ?", (lane,)).fetchone()[0])

    def standing(self, timezone: str) -> Mapping[str, Standing]:
        """See `QuotaStore.standing`."""
        with self._step() as now:
            day = self._day(timezone, now)
            self._expire(now)
            self._forget(f"WHERE lane IN ({_LANES}) AND recent = 1 AND sent_at <= ?", (now - MINUTE_S,))
            held = {lane: told for lane, *told in self._db.execute("SELECT * FROM health")}
            spans = [row[1] for row in _current(WORKSPACE, day)]
            found = self._db.execute(_CURRENT, spans)
            used = {(scope, span): Amount._make(amount) for scope, span, *amount in found}
            lanes = {WORKSPACE, *held, *(scope for scope, _ in used)}
            return {
                lane: _standing([used.get(row, _EMPTY) for row in _current(lane, day)], held.get(lane), now)
                for lane in lanes
            }

    def history(self) -> tuple[DayUsage, ...]:
        """See `QuotaStore.history`."""
        with self._step():
            found = self._db.execute(
                "SELECT substr(span, 5), scope, calls, tokens, usd_micros, unpriced FROM bucket "
                "WHERE span LIKE 'day %' AND calls > 0 ORDER BY span, scope"
            )
            return tuple(DayUsage(day, lane, Amount(*amount)) for day, lane, *amount in found)

    def close(self) -> None:
        """See `QuotaStore.close`."""
        self._db.close()

    @contextmanager
    def _step(self) -> Iterator[float]:
        """One atomic step; gives the ledger's time, which never goes back. One that changed nothing leaves no mark
        of its time either: nothing is written then."""
        with self._lock, atomic(self._db, self.path, self._busy_s):
            now, before = self._now(), self._db.total_changes
            yield now
            if self._db.total_changes != before:
                self._db.execute("UPDATE clock SET seen = ?", (now,))

    def _now(self) -> float:
        seen: float
        (seen,) = self._db.execute("SELECT seen FROM clock").fetchone()
        told = self._clock()
        if told < seen - CLOCK_SLACK_S:
            hours = (seen - told) / 3600
            raise LedgerError(f"{self.path}: has seen a clock that is {hours:.0f} h ahead of this machine's")
        return max(told, seen)

    def _day(self, timezone: str, now: float) -> Day:
        days = self._days.get(timezone) or self._days.setdefault(timezone, Days(timezone))
        (last,) = self._db.execute("SELECT timezone FROM clock").fetchone()
        if last != timezone:
            self._count_days_anew(days)
        return days.at(now)

    def _count_days_anew(self, days: Days) -> None:
        """A new time zone draws the days' borders elsewhere: every call that is kept goes to its new day."""
        for call in self._calls("WHERE state != 'released'", ()):
            day = days.at(call.at).label
            if day != call.day:
                self._add([(day_row(s, call.day), _EMPTY.minus(call.cost)) for s in (WORKSPACE, call.lane)])
                self._add([(day_row(s, day), call.cost) for s in (WORKSPACE, call.lane)])
                self._db.execute("UPDATE call SET day = ? WHERE id = ?", (day, call.id))
        self._db.execute("UPDATE clock SET timezone = ?", (days.timezone,))

    def _expire(self, now: float) -> Swept:
        late = self._calls("WHERE lease_until <= ?", (now,))
        for call in late:
            self._close(call, "released" if call.state == "reserved" else "charged")
        unsent = sum(call.state == "reserved" for call in late)
        return Swept(unsent, len(late) - unsent)

    def _close(self, call: _Call, state: str) -> None:
        """End a call that nobody settled: `released` counts nowhere, `charged` everywhere but as open."""
        back = call.keys if state == "released" else (open_row(call.lane),)
        self._add([(key, _EMPTY.minus(call.cost)) for key in back])
        self._db.execute("UPDATE call SET state = ?, lease_until = NULL WHERE id = ?", (state, call.id))

    def _forget(self, sent_too_long_ago: str, values: tuple[object, ...]) -> None:
        """Take these calls, sent more than a minute ago, out of their lanes' minutes."""
        old = self._calls(sent_too_long_ago, values)
        if old:
            self._add([(minute_row(call.lane), _EMPTY.minus(call.cost)) for call in old])
            self._db.executemany("UPDATE call SET recent = 0 WHERE id = ?", [(call.id,) for call in old])

    def _correct(self, call: _Call, tokens: int, usd_micros: int | None) -> None:
        """Put what a call really used in the place of what was reserved for it, and end it."""
        usd, unpriced = (call.cost.usd_micros, call.cost.unpriced) if usd_micros is None else (usd_micros, 0)
        more = Amount(1, tokens, usd, unpriced).minus(call.cost)
        changes = [(key, more) for key in call.keys[: 4 if call.recent else 3]]
        if call.state == "sent":
            changes.append((open_row(call.lane), _EMPTY.minus(call.cost)))
        self._add(changes)
        self._db.execute(_SETTLE, (tokens, usd, unpriced, call.id))

    def _exhausted(self, claim: Claim, used: Sequence[Amount], day: Day, now: float) -> Refusal | None:
        for row, column, more, cap, name in checks(claim):
            if cap is not None and used[row][column] + more > cap:
                return Refusal(name, self._wait(row, claim.lane, day, now))
        return None

    def _wait(self, row: int, lane: str, day: Day, now: float) -> float | None:
        if row in (1, 2):
            return day.ends_at - now
        if row != 3:
            return None
        oldest = self._db.execute(
            "SELECT min(sent_at) FROM call WHERE lane = ? AND recent = 1", (lane,)
        ).fetchone()[0]
        return MINUTE_S if oldest is None else max(0.0, float(oldest) + MINUTE_S - now)

    def _unhealthy(self, claim: Claim, open_calls: int, now: float) -> Refusal | None:
        found = self._db.execute(
            "SELECT cooldown_until, failures FROM health WHERE lane = ?", (claim.lane,)
        ).fetchone()
        if found is None:
            return None
        if found[0] > now:
            return Refusal("cooldown", found[0] - now)
        return Refusal("circuit_open") if found[1] >= claim.breaker_after and open_calls else None

    def _cooldown(self, lane: str, now: float) -> float:
        found = self._db.execute("SELECT cooldown_until FROM health WHERE lane = ?", (lane,)).fetchone()
        return max(0.0, found[0] - now) if found else 0.0

    def _used(self, keys: Sequence[Row]) -> list[Amount]:
        """The amounts of these buckets, zeros where there is none."""
        one = "SELECT calls, tokens, usd_micros, unpriced FROM bucket WHERE scope = ? AND span = ?"
        return [Amount._make(self._db.execute(one, key).fetchone() or _EMPTY) for key in keys]

    def _add(self, changes: Sequence[tuple[Row, Amount]]) -> None:
        self._db.executemany(_ADD, [(*key, *amount) for key, amount in changes])

    def _call(self, grant: Grant) -> _Call | None:
        found = self._calls("WHERE id = ? AND run = ?", (grant.id, grant.claim.run))
        return found[0] if found else None

    def _calls(self, where: str, values: tuple[object, ...]) -> list[_Call]:
        columns = "SELECT id, lane, run, day, state, at, recent, tokens, usd_micros, unpriced FROM call "
        return [_Call(*found) for found in self._db.execute(columns + where, values)]
