"""Why a lane brought no candidate, and what a failing build is known by when attempts at it are counted.

The row of a physical attempt is the ledger's own (`llm.ledger.trace_rows.Attempt`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import get_args

from llm.domain import Skipped, SkipReason
from llm.ledger.base import Exhausted
from llm.providers.base import Cause, ProviderFailure

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")

REFUSED = "refused"
REJECTED_EDIT = "rejected_edit"
_CAPS = frozenset(get_args(Exhausted)) - {"cooldown", "circuit_open", "lease"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why asking a lane once brought no candidate; `message` holds no key and no prompt.

    `reason` is the `Cause` of its last attempt, `rejected_edit` (it answered, and the answer is no edit), or
    `refused` (the ledger said no, nothing was sent; `bucket` names the cap or cooldown).
    """

    lane: str
    reason: str
    message: str
    bucket: Exhausted | None = None
    retry_after_s: float | None = None


class LaneRefused(ProviderFailure):
    """The ledger allows no call to this lane now: nothing was sent, nothing consumed."""

    def __init__(self, lane: str, bucket: Exhausted, retry_after_s: float | None = None) -> None:
        wait = "" if retry_after_s is None else f", for {retry_after_s:.0f} s"
        message = f"{lane}: no call is allowed: {bucket}{wait}"
        super().__init__(Cause.RATE_LIMIT, message, retry_after_s=retry_after_s, sent=False)
        self.bucket = bucket


def fingerprint(items: Iterable[str]) -> str:
    """What a failure is known by: 16 hex digits, equal for the same test ids and diagnostic keys in any order.

    Addresses in memory differ from run to run and do not count.
    """
    known = sorted({_ADDRESS.sub("0x", item) for item in items})
    return hashlib.sha256("\0".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def exit_code(skipped: Iterable[Skipped], failures: Collection[Failure], candidates: int) -> int:
    """The exit code of a run that stays red, as far as its lanes decide it.

    4: some lane was refused by a quota or budget and none answered. 3: lanes were called and all failed. Else 1.
    """
    if candidates:
        return 1
    capped = {SkipReason.QUOTA, SkipReason.UNPRICED}
    if any(lane.reason in capped for lane in skipped) or any(failure.bucket in _CAPS for failure in failures):
        answered = any(failure.reason == REJECTED_EDIT for failure in failures)
        return 3 if answered else 4
    return 3 if any(failure.reason != REFUSED for failure in failures) else 1
