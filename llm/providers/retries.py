"""What follows from how an attempt ended: one owner of retries, cooldowns and the breaker. Pure.

No SDK retries by itself. What asking again cannot change is asked once; what may pass is asked once more after a
jittered pause; where a server names a time, nobody asks earlier, in any process.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm.providers.base import Cause, ProviderFailure

BREAKER_AFTER = 5
"""So many faults in a row, and the lane is left alone, then tried one call at a time."""

_LONG_S = {Cause.HARD_QUOTA: 1800.0, Cause.AUTH: 300.0}
_RATE_LIMIT_S = 20.0
_LONGEST_S = 86_400.0
_BREAKER_S, _BREAKER_LONGEST_S = 15.0, 600.0
_PAUSE_S = 0.5

_PASSING = frozenset({Cause.SERVER, Cause.TIMEOUT, Cause.UNREACHABLE})
_FAULTS = _PASSING | {Cause.MALFORMED}


@dataclass(frozen=True, slots=True)
class Consequence:
    """`cool_s` 0: no cooldown. `fault`: one more towards the breaker. `again`: worth another attempt."""

    cool_s: float = 0.0
    fault: bool = False
    again: bool = False


def consequence(failure: ProviderFailure) -> Consequence:
    """What one failed attempt means for its lane."""
    cause, asked = failure.cause, failure.retry_after_s
    if cause in _LONG_S:
        return Consequence(max(_LONG_S[cause], _bounded(asked)))
    if cause is Cause.RATE_LIMIT:
        return Consequence(_RATE_LIMIT_S if asked is None else max(1.0, _bounded(asked)))
    if cause in _PASSING and asked is not None and asked > 0:
        return Consequence(_bounded(asked), fault=True)
    return Consequence(fault=cause in _FAULTS, again=cause in _PASSING)


def breaker_s(failures: int) -> float:
    """How long the lane is left alone after so many faults in a row: doubled each time, ten minutes at most."""
    if failures < BREAKER_AFTER:
        return 0.0
    return min(_BREAKER_LONGEST_S, _BREAKER_S * 2.0 ** min(failures - BREAKER_AFTER, 10))


def pause_s(number: int, jitter: float) -> float:
    """The pause before an attempt is repeated; `jitter` is 0…1, so that processes do not return all at once."""
    return _PAUSE_S * 2.0**number * (0.5 + jitter)


def _bounded(seconds: float | None) -> float:
    """A server's wish as a number that can be waited for: a day at most; what is no number counts as that."""
    if seconds is None:
        return 0.0
    return min(_LONGEST_S, max(0.0, seconds)) if seconds == seconds else _LONGEST_S
