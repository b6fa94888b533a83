"""How long a run may take. All times are seconds; the clock is monotonic and starts with the request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from llm.sandbox.base import Limits

CHECK_TIMEOUT_S = 300.0
"""Wall time of one check when nothing shorter was asked for."""

_SLOWEST = 5.0
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Budget:
    """`search_s` bounds the embedded search alone, `deadline_s` everything."""

    search_s: float
    deadline_s: float | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which all must end, or None."""
        return None if self.deadline_s is None else self.started + self.deadline_s

    def remaining_s(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self.started

    def limits(self, usual_s: float | None = None) -> Limits:
        """Limits of one check. `usual_s` is what it took on the untouched tree: a candidate that needs several
        times as long is hanging, while a fixed limit would lose fixes that are slow but right."""
        wall_s = CHECK_TIMEOUT_S if usual_s is None else min(CHECK_TIMEOUT_S, usual_s * _SLOWEST + _GRACE_S)
        return Limits(wall_s=max(0.1, min(wall_s, self.remaining_s())))
