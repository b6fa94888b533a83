"""Percentiles of what was measured, by nearest rank: a value that was there, and no mean of two."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil


def percentile(ascending: Sequence[int], percent: int) -> int | None:
    """The least value that so many percent do not exceed; None without any."""
    return ascending[max(0, ceil(len(ascending) * percent / 100) - 1)] if ascending else None
