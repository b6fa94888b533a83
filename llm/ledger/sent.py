"""Which attempts went out to a vendor: the one rule, as Python asks it and as SQL does.

One that a cap held back has the cap's name for its cause. One that nobody wanted any more may have been called off
before it was made: then no time of the vendor is known of it.
"""

from __future__ import annotations

from typing import Final, get_args

from llm.ledger.base import Exhausted

REFUSALS: Final = frozenset(get_args(Exhausted))
"""Causes for which a cap held an attempt back."""
CANCELLED: Final = "cancelled"
"""Torre ended it."""

REFUSED_CAUSES: Final = ", ".join(f"'{cause}'" for cause in get_args(Exhausted))
"""As SQL has a list."""
WENT_OUT: Final = f"(cause NOT IN ({REFUSED_CAUSES}) AND (cause != '{CANCELLED}' OR provider_ms > 0))"
"""The condition on a row of `attempt`."""


def went_out(cause: str, provider_ms: int) -> bool:
    """Whether an attempt was made that ended by `cause`, after so many milliseconds of the vendor's time."""
    return cause not in REFUSALS and (cause != CANCELLED or provider_ms > 0)
