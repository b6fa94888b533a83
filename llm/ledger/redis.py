"""The shared quota store: Redis or Valkey, one Lua script, the server's clock. Fails closed when it is gone.

Nothing is ever evicted or expired by the server's own means: give it `maxmemory-policy noeviction` and a disk
(`appendonly yes`), else a restart forgets what was used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode

from llm.errors import LedgerError
from llm.ledger.base import (
    CLOCK_SLACK_S,
    KEEP_CALLS_S,
    KEEP_DAYS,
    MINUTE_S,
    Amount,
    Claim,
    DayUsage,
    Grant,
    Refusal,
    Standing,
    Swept,
    checks,
)
from llm.ledger.days import Days


class RedisStore:
    """A ledger at `url` (`redis://`, `rediss://`, `unix://`); `?ledger=NAME` in it keeps several apart.

    `timeout_s` bounds each step. `clock` is for tests: it takes the place of the server's time.
    """

    def __init__(self, url: str, timeout_s: float = 5.0, clock: Callable[[], float] | None = None) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ModuleNotFoundError as error:
            raise LedgerError("TORRE_LEDGER names a Redis: install torre-llm[providers]") from error
        plain, ledger = _split(url)
        self._where = plain.rpartition("@")[2]  # no password in an error
        self._prefix = f"torre:{{{ledger}}}"
        self._clock = clock
        self._lock = Lock()
        self._days: dict[str, Days] = {}
        self._gone: type[Exception] = redis.RedisError
        # Once more after a connection that was cut: at worst a reservation too many is held for `hold_s`.
        bounds: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
        try:
            self._redis = redis.Redis.from_url(plain, retry=Retry(NoBackoff(), 1), **bounds)
        except ValueError as error:
            raise LedgerError(f"TORRE_LEDGER: {self._where}: {error}") from error
        self._script = self._redis.register_script(Path(__file__).with_name("ledger.lua").read_text("utf-8"))
        self.sweep()

    def reserve(self, claim: Claim) -> Grant | Refusal:
        """See `QuotaStore.reserve`."""
        if claim.usd_micros is None and claim.caps.in_money:
            return Refusal("unpriced")
        answer = self._dated(
            "reserve",
            claim.timezone,
            lane=claim.lane,
            run=claim.run,
            tokens=claim.tokens,
            usd_micros=claim.usd_micros or 0,
            unpriced=int(claim.usd_micros is None),
            hold_s=claim.hold_s,
            breaker_after=claim.breaker_after,
            checks=[check for check in checks(claim) if check[3] is not None],
        )
        return _refusal(answer) or Grant(int(answer[1]), claim)

    def mark_sent(self, grant: Grant) -> Refusal | None:
        """See `QuotaStore.mark_sent`."""
        return _refusal(self._step("mark_sent", id=grant.id, run=grant.claim.run, lease_s=grant.claim.lease_s))

    def settle(self, grant: Grant, tokens: int, usd_micros: int | None, answered: bool = False) -> None:
        """See `QuotaStore.settle`."""
        known = {} if usd_micros is None else {"usd_micros": usd_micros}
        self._step("settle", id=grant.id, run=grant.claim.run, tokens=tokens, answered=answered, **known)

    def release(self, grant: Grant) -> None:
        """See `QuotaStore.release`."""
        self._step("release", id=grant.id, run=grant.claim.run)

    def sweep(self) -> Swept:
        """See `QuotaStore.sweep`."""
        oldest = Days("UTC").at(self._guess() - KEEP_DAYS * 86400).label
        return Swept(*self._step("sweep", keep_calls_s=KEEP_CALLS_S, oldest_day=oldest)[1:])

    def cool(self, lane: str, seconds: float, cause: str) -> None:
        """See `QuotaStore.cool`."""
        self._step("cool", lane=lane, seconds=seconds, cause=cause)

    def failed(self, lane: str) -> int:
        """See `QuotaStore.failed`."""
        return int(self._step("failed", lane=lane)[1])

    def standing(self, timezone: str) -> Mapping[str, Standing]:
        """See `QuotaStore.standing`."""
        found = self._dated("standing", timezone)[1] or []
        return {lane: _standing(*told) for lane, *told in found}

    def history(self) -> tuple[DayUsage, ...]:
        """See `QuotaStore.history`."""
        found = [DayUsage(day, lane, Amount(*used)) for day, lane, used in self._step("history")[1]]
        return tuple(sorted((d for d in found if d.used.calls), key=lambda d: (d.day, d.lane)))

    def close(self) -> None:
        """See `QuotaStore.close`."""
        self._redis.close()

    def _dated(self, step: str, timezone: str, **ask: Any) -> list[Any]:
        """A step that needs the calendar: the server has none, so it is told three days, and asks again if its
        own clock is on none of them."""
        days = self._days.get(timezone) or self._days.setdefault(timezone, Days(timezone))
        now = self._guess()
        while True:
            with self._lock:
                around = [(d.label, d.starts_at, d.ends_at) for d in days.around(now)]
            answer = self._step(step, timezone=timezone, days=around, **ask)
            if answer[0] != "again":
                return answer
            now = float(answer[1])

    def _step(self, step: str, **ask: Any) -> list[Any]:
        told = {} if self._clock is None else {"clock": self._clock()}
        body = json.dumps({"slack_s": CLOCK_SLACK_S, "minute_s": MINUTE_S, **told, **ask})
        try:
            answer: list[Any] = json.loads(self._script(keys=[self._prefix], args=[step, body]))
        except (self._gone, OSError) as error:
            raise LedgerError(f"{self._where}: {error}; no call is made") from error
        if answer[0] == "ahead":
            raise LedgerError(f"{self._where}: has seen a clock that is {answer[1] / 3600:.0f} h ahead of its own")
        if answer[0] == "misuse":
            raise ValueError(answer[1])
        return answer

    def _guess(self) -> float:
        return time.time() if self._clock is None else self._clock()


def _split(url: str) -> tuple[str, str]:
    """The address without `ledger`, and the ledger's name."""
    address, _, query = url.partition("?")
    asked = parse_qsl(query)
    ledger = dict(asked).get("ledger", "default")
    rest = urlencode([pair for pair in asked if pair[0] != "ledger"])
    return (f"{address}?{rest}" if rest else address), ledger


def _standing(
    minute: list[int], day: list[int], held: list[int], left: float, cause: str, failures: int
) -> Standing:
    return Standing(Amount(*minute), Amount(*day), Amount(*held), left, cause if left else "", failures)


def _refusal(answer: list[Any]) -> Refusal | None:
    if answer[0] != "no":
        return None
    return Refusal(answer[1], None if answer[2] < 0 else float(answer[2]))
