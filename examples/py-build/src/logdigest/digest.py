"""Totals by path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from logdigest.line import Request, read


class Totals(NamedTuple):
    requests: int
    size: int
    failures: int


class Digest:
    """Takes requests in one by one and keeps only sums."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self.skipped = 0

    def take(self, request: Request) -> None:
        self._requests[request.path] += 1
        self._sizes[request.path] += request.size
        self._failures[request.path] += request.failed

    def take_lines(self, lines: Iterable[str]) -> None:
        """Take all requests of a log; lines that are no requests are counted in `skipped`."""
        for text in lines:
            request = read(text)
            if request is None:
                self.skipped += 1
            else:
                self.take(request)

    def totals(self, path: str) -> Totals:
        return Totals(self._requests[path], self._sizes[path], self._failures[path])

    def busiest(self, count: int) -> list[str]:
        """Paths by number of requests, then by name."""
        ranked = sorted(self._requests, key=lambda path: (-self._requests[path], path))
        return ranked[:count]
