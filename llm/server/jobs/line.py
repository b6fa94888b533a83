"""Who is next: each key has a line of its own, and the keys take turns, so that none waits for another's
hundred."""

from __future__ import annotations

from collections import OrderedDict, deque

_KEYS_WORTH = 8
"""All lines together hold as much as so many full ones."""


class FairLine:
    """Ids of waiting jobs. `each` is how many one key may have in it. Use from one thread."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._lines: OrderedDict[str, deque[str]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def full(self, key: str) -> bool:
        """Whether this key has to come back later."""
        return len(self._lines.get(key, ())) >= self._each or len(self) >= self._each * _KEYS_WORTH

    def put(self, key: str, job_id: str) -> None:
        """At the end of the key's line, full or not: what was accepted once is not refused after a restart."""
        self._lines.setdefault(key, deque()).append(job_id)

    def take(self) -> str | None:
        """The first of the key whose turn it is; None where nobody waits."""
        if not self._lines:
            return None
        key, line = self._lines.popitem(last=False)
        job_id = line.popleft()
        if line:
            self._lines[key] = line
        return job_id

    def remove(self, key: str, job_id: str) -> None:
        """It does not wait any more, if it did."""
        line = self._lines.get(key)
        if line and job_id in line:
            line.remove(job_id)
            if not line:
                del self._lines[key]
