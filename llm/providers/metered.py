"""One physical call under the ledger: reserve → sent → the wire → settle, and one row for the trace.

Whatever happens in between, the reservation ends: unsent it is released, sent it is settled at what is known to
have been used, or at what may have been. No call is made that the ledger did not grant.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any, NamedTuple

from llm.domain import Stage
from llm.ledger.base import Caps, Claim, Grant, QuotaStore
from llm.ledger.trace_rows import Attempt
from llm.providers.attempts import LaneRefused
from llm.providers.base import Answer, Call, Cause, ProviderFailure, Wire, estimate_tokens
from llm.providers.credentials import configured_keys
from llm.providers.models import Model
from llm.providers.policy import Policy
from llm.providers.retries import BREAKER_AFTER, breaker_s, consequence

_BYTES_PER_TOKEN = 2.5
"""Fewer than any tokenizer needs for code or prose on average: a bound, not an estimate."""
_TOKENS_PER_MESSAGE = 16
_TOKENS_PER_IMAGE = 3000
_LEASE_MARGIN_S = 120.0
_CONCURRENCY_POLL_S = 0.1

_NOT_BILLED = frozenset({Cause.RATE_LIMIT, Cause.HARD_QUOTA, Cause.AUTH, Cause.BAD_REQUEST, Cause.SERVER})
"""The vendor refused or broke down, and said so: nobody bills that."""

Keep = Callable[[Attempt], None]
"""Keeps a row for good, before anything is done with the answer; what it raises ends the run."""


def pause(seconds: float, cancel: Event | None) -> None:
    """Wait, but not longer than the answer is wanted."""
    if cancel is None:
        time.sleep(seconds)
    else:
        cancel.wait(seconds)


@dataclass(frozen=True, slots=True)
class Terms:
    """What binds every call of one run.

    `retries` is how often one candidate's calls may be repeated after a failure that may pass. `first_byte_s` and
    `total_s` bound a call. `pause` waits some seconds, or until an event is set.
    """

    run: str
    stage: Stage
    policy: Policy
    store: QuotaStore
    on_attempt: Keep
    env: Mapping[str, str] = field(repr=False)
    retries: int = 1
    max_tokens: int = 8192
    first_byte_s: float = 60.0
    total_s: float = 180.0
    pause: Callable[[float, Event | None], None] = pause
    jitter: Callable[[], float] = random.random

    def scrubbed(self, text: str) -> str:
        """`text` without any key that is configured."""
        for key in configured_keys(self.policy.models.values(), self.env):
            text = text.replace(key, "[key]")
        return text


class Used(NamedTuple):
    """What a call used, by the names of its row; `usd_micros` is None where the price is unknown."""

    tokens_in: int
    tokens_out: int
    tokens_cached: int
    usd_micros: int | None


_NOTHING = Used(0, 0, 0, 0)


class _Ticket(NamedTuple):
    """What is known of an attempt before it is made, by the names of its row."""

    number: int
    at: float
    redacted: int
    format: str
    reserved_usd_micros: int | None = 0


class _Times(NamedTuple):
    """Seconds for the ledger before the call, for the vendor, and for the ledger after it."""

    waited_s: float
    took_s: float = 0.0
    settling_s: float = 0.0
    first_byte_ms: int = 0

    def as_row(self) -> dict[str, Any]:
        """By the names of an attempt's row."""
        spent_s = {"queue_ms": self.waited_s, "provider_ms": self.took_s, "overhead_ms": self.settling_s}
        rounded = {name: round(seconds * 1000) for name, seconds in spent_s.items()}
        return {**rounded, "first_byte_ms": self.first_byte_ms}


class MeteredWire:
    """A lane's wire behind the ledger. Thread-safe; one for a lane and run, for it counts the lane's attempts."""

    def __init__(self, model: Model, wire: Wire, terms: Terms) -> None:
        self.model = model
        self._wire = wire
        self._terms = terms
        self._caps: Caps = terms.policy.caps(model.lane)
        self._numbers = count(1)

    def ask(self, call: Call, keep: Keep, redacted: int = 0, form: str = "") -> tuple[Answer, Attempt]:
        """One attempt. The row of one that brought an answer is the caller's to complete and to keep.

        Raises ProviderFailure, after `keep` had its row; LaneRefused is one that was not sent. LedgerError.
        """
        began = time.monotonic()
        ticket = _Ticket(next(self._numbers), time.time(), redacted, form)
        try:
            grant = self._admitted(call)
        except ProviderFailure as failure:
            cause = failure.bucket if isinstance(failure, LaneRefused) else failure.cause.value
            waited = time.monotonic() - began
            keep(self._row(ticket, _NOTHING, _Times(waited), cause, error=str(failure)))
            raise
        ticket = ticket._replace(reserved_usd_micros=grant.claim.usd_micros)
        return self._sent(call, grant, keep, ticket, time.monotonic() - began)

    def _admitted(self, call: Call) -> Grant:
        """A reservation that is marked as sent: from here on the call is made."""
        store = self._terms.store
        grant = self._reserved(self._claim(call), call)
        if _unwanted(call):
            store.release(grant)
            raise _called_off()
        refusal = store.mark_sent(grant)
        if refusal is not None:
            raise LaneRefused(self.model.lane, refusal.bucket, refusal.retry_after_s)
        return grant

    def _reserved(self, claim: Claim, call: Call) -> Grant:
        """Where only `concurrency` is in the way, wait for a call to end, as long as a call may take."""
        until = time.monotonic() + call.total_s
        while not _unwanted(call):
            answer = self._terms.store.reserve(claim)
            if isinstance(answer, Grant):
                return answer
            passes = answer.bucket == "concurrency" and claim.caps.concurrency
            if not passes or time.monotonic() >= until:
                raise LaneRefused(self.model.lane, answer.bucket, answer.retry_after_s)
            self._terms.pause(_CONCURRENCY_POLL_S * (0.5 + self._terms.jitter()), call.cancel)
        raise _called_off()

    def _claim(self, call: Call) -> Claim:
        tokens_in = bound_tokens_in(call)
        usd_micros = self.model.cost_usd_micros(tokens_in, call.max_tokens)
        return Claim(
            self.model.lane,
            self._terms.run,
            tokens_in + call.max_tokens,
            usd_micros,
            self._caps,
            self._terms.policy.timezone,
            lease_s=call.total_s + _LEASE_MARGIN_S,
            breaker_after=BREAKER_AFTER,
        )

    def _sent(
        self, call: Call, grant: Grant, keep: Keep, ticket: _Ticket, waited: float
    ) -> tuple[Answer, Attempt]:
        began = time.monotonic()
        heard: list[int] = []
        try:
            answer = self._wire.ask(call, lambda text: heard.append(_bytes(text)))
        except ProviderFailure as failure:
            took = time.monotonic() - began
            used = self._used_by_failure(call, failure, sum(heard))
            self._face(failure)
            self._settle(grant, used)
            times = _Times(waited, took, time.monotonic() - began - took)
            error = self._terms.scrubbed(str(failure))
            keep(self._row(ticket, used, times, failure.cause.value, failure.status, error))
            raise
        except BaseException:
            self._terms.store.settle(grant, grant.claim.tokens, grant.claim.usd_micros)
            raise
        took = time.monotonic() - began
        used = self._used_by_answer(call, answer)
        self._settle(grant, used, answered=True)
        times = _Times(waited, took, time.monotonic() - began - took, answer.first_byte_ms)
        return answer, self._row(ticket, used, times)

    def _face(self, failure: ProviderFailure) -> None:
        """Tell every process what this failure means for the lane, before its place is given back."""
        store, lane = self._terms.store, self.model.lane
        follows = consequence(failure)
        if follows.cool_s:
            store.cool(lane, follows.cool_s, failure.cause.value)
        if follows.fault:
            open_s = breaker_s(store.failed(lane))
            if open_s:
                store.cool(lane, open_s, "circuit_open")

    def _settle(self, grant: Grant, used: Used, answered: bool = False) -> None:
        self._terms.store.settle(grant, used.tokens_in + used.tokens_out, used.usd_micros, answered)

    def _used_by_answer(self, call: Call, answer: Answer) -> Used:
        """The vendor's counts, or Torre's estimate in the place of one that is missing."""
        tokens_in, tokens_out = answer.tokens_in, answer.tokens_out
        if tokens_in is None:
            tokens_in = estimate_tokens("".join((call.system, *(message.text for message in call.messages))))
        if tokens_out is None:
            tokens_out = estimate_tokens(answer.text)
        return self._priced(tokens_in, tokens_out, answer.tokens_cached or 0)

    def _used_by_failure(self, call: Call, failure: ProviderFailure, heard_bytes: int) -> Used:
        """What is known, else what may have been: the whole prompt, and what was heard or else a full answer."""
        if not failure.sent:
            return _NOTHING
        tokens_in, tokens_out = failure.tokens_in, failure.tokens_out
        if tokens_in is None and tokens_out is None and not heard_bytes and failure.cause in _NOT_BILLED:
            return _NOTHING
        if tokens_in is None:
            tokens_in = bound_tokens_in(call)
        if tokens_out is None:
            tokens_out = min(call.max_tokens, _tokens(heard_bytes)) if heard_bytes else call.max_tokens
        return self._priced(tokens_in, tokens_out, 0)

    def _priced(self, tokens_in: int, tokens_out: int, tokens_cached: int) -> Used:
        """What that costs. A count below nothing would give quota back: none is believed."""
        tokens_in, tokens_out = max(0, tokens_in), max(0, tokens_out)
        cached = min(max(0, tokens_cached), tokens_in)
        return Used(tokens_in, tokens_out, cached, self.model.cost_usd_micros(tokens_in, tokens_out, cached))

    def _row(
        self,
        ticket: _Ticket,
        used: Used,
        times: _Times,
        cause: str = Cause.OK.value,
        status: int | None = None,
        error: str = "",
    ) -> Attempt:
        terms, model = self._terms, self.model
        return Attempt(
            trace_id=terms.run,
            lane=model.lane,
            model=model.model,
            protocol=model.protocol,
            cause=cause,
            status=status,
            price_as_of=model.price_as_of,
            policy_hash=terms.policy.hash,
            stage=terms.stage.value,
            error=error,
            **ticket._asdict(),
            **used._asdict(),
            **times.as_row(),
        )


def bound_tokens_in(call: Call) -> int:
    """The most tokens that a question can be, by its bytes and images."""
    size = _bytes(call.system) + sum(_bytes(message.text) for message in call.messages)
    images = sum(len(message.images) for message in call.messages)
    return _tokens(size) + images * _TOKENS_PER_IMAGE + (len(call.messages) + 1) * _TOKENS_PER_MESSAGE


def _tokens(size: int) -> int:
    return math.ceil(size / _BYTES_PER_TOKEN)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _called_off() -> ProviderFailure:
    return ProviderFailure(Cause.CANCELLED, "nobody wants the answer any more", sent=False)


def _unwanted(call: Call) -> bool:
    return call.cancel is not None and call.cancel.is_set()
