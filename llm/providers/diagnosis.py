"""What an exception that comes out of an SDK means. One reading for all three: they differ in everything else."""

from __future__ import annotations

from llm.providers.base import Cause, ProviderFailure
from llm.providers.exchange import Exchange
from llm.providers.refusal import broken_off, refused

_WORDS = {
    Cause.CANCELLED: "cancelled",
    Cause.TIMEOUT: "took too long",
    Cause.TOO_LARGE: "sent more than is read",
    Cause.UNREACHABLE: "cannot be reached",
    Cause.TRUNCATED: "cut the answer off",
    Cause.MALFORMED: "does not speak the protocol",
}
_FIRST_ERROR = 300


def diagnose(exchange: Exchange, error: Exception) -> ProviderFailure:
    """The failure an exception stands for, judged by what the network layer saw before what the SDK says."""
    if isinstance(error, ProviderFailure):
        return error
    if exchange.stopped is not None:
        return exchange.failure(exchange.stopped, _WORDS[exchange.stopped])
    if isinstance(error, ImportError):
        return exchange.failure(Cause.BAD_REQUEST, f"needs the package {error.name}: install torre-llm[providers]")
    if exchange.status >= _FIRST_ERROR:
        return refused(exchange)
    body = getattr(error, "body", None) or getattr(error, "details", None)
    if isinstance(body, dict):
        return broken_off(exchange, body)
    cause = _network_cause(exchange, error)
    if cause is None and not exchange.sent:
        return exchange.failure(Cause.BAD_REQUEST, f"the call cannot be made ({type(error).__name__})")
    cause = cause or Cause.MALFORMED
    return exchange.failure(cause, _WORDS[cause])


def _network_cause(exchange: Exchange, error: Exception) -> Cause | None:
    from llm.providers.connection import cause_of

    return cause_of(error, answered=exchange.status > 0)
