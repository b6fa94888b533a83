"""How fast somebody may ask: a bucket of tokens each, filled steadily."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 10_000
"""So many are remembered; who has not asked for longest is forgotten, and has a full bucket then."""


class Rates:
    """`per_s` requests a second in the long run, `burst` at once. Use from one thread."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, who: str) -> float:
        """0.0: go, and a token is taken. Else the seconds until there is one."""
        now = self._clock()
        tokens, at = self._buckets.pop(who, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._per_s)
        allowed = tokens >= 1
        self._buckets[who] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._per_s
