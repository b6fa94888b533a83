"""One lane asked for one candidate: prompt → answer → edit → diff, with the few repetitions that can help."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from threading import Event

from llm.domain import Candidate, DiscardReason, Usage
from llm.ledger.base import Exhausted
from llm.ledger.trace_rows import Attempt
from llm.providers.answers import AnswerError, Edit, other_style, read_answer, retry_hint
from llm.providers.attempts import REFUSED, REJECTED_EDIT, Failure, LaneRefused
from llm.providers.base import Call, Cause, ProviderFailure, ProviderRequest, ProviderResponse, Wire
from llm.providers.credentials import key_of
from llm.providers.metered import MeteredWire, Terms
from llm.providers.models import Model
from llm.providers.prompt import Feedback, Prompt
from llm.providers.question import Question, question_of
from llm.providers.retries import consequence, pause_s
from llm.workspace.diff import make_diff

PRIOR = 0.5
"""A model's candidate promises less than a deterministic fix, whatever the model; the checks decide."""

_UNUSED = Usage()


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking one lane once brought: a candidate or a failure.

    `answer` is the last text, for a feedback round ("" where there was none). `usage` adds up all its attempts,
    whose numbers are in `attempts`; the last one is the candidate's.
    """

    lane: str
    candidate: Candidate | None = None
    failure: Failure | None = None
    answer: str = ""
    usage: Usage = _UNUSED
    attempts: tuple[int, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What stood behind the placeholders that the lane was shown: it may move none of it."""


class Lane:
    """One model that can be asked, under the terms of a run. Thread-safe."""

    def __init__(self, model: Model, wire: Wire, terms: Terms) -> None:
        self.name = model.lane
        self.model = model
        self.terms = terms
        self.metered = MeteredWire(model, wire, terms)

    def generate(self, req: ProviderRequest) -> ProviderResponse:
        """One candidate for a request by itself. Raises ProviderFailure and LedgerError."""
        asked = self.ask(question_of(req, self.terms.policy, self.terms.env))
        if asked.candidate is None:
            raise _raised(asked)
        return as_response(asked.candidate)

    def ask(
        self,
        question: Question,
        feedback: tuple[Feedback, ...] = (),
        cancel: Event | None = None,
        total_s: float | None = None,
    ) -> Asked:
        """One candidate, from as few calls as possible. `feedback` are earlier answers and what became of them.

        `total_s` bounds each call more closely than the terms; `cancel` closes the connection. What goes wrong at
        the vendor, in the ledger's caps or in the answer is a `Failure`; only LedgerError gets out.
        """
        limit_s = min(total_s or self.terms.total_s, self.terms.total_s)
        return _Asking(self, question, cancel, limit_s).run(feedback)


class _Asking:
    """The calls for one candidate."""

    def __init__(self, lane: Lane, question: Question, cancel: Event | None, total_s: float) -> None:
        self._lane = lane
        self._terms = lane.terms
        self._question = question
        self._cancel = cancel
        self._total_s = total_s
        self._repeated = 0
        self._rows: list[Attempt] = []
        self._answer = ""
        self._secrets: tuple[str, ...] = ()

    def run(self, feedback: tuple[Feedback, ...]) -> Asked:
        began = time.monotonic()
        candidate = failure = None
        try:
            edit = self._edit(feedback)
            candidate = self._candidate(edit, began)
        except LaneRefused as refused:
            failure = self._failure(REFUSED, refused, refused.bucket, refused.retry_after_s)
        except ProviderFailure as failed:
            failure = self._failure(failed.cause.value, failed, retry_after_s=failed.retry_after_s)
        except AnswerError as rejected:
            failure = self._failure(REJECTED_EDIT, rejected)
        numbers = tuple(row.number for row in self._rows)
        return Asked(self._lane.name, candidate, failure, self._answer, self._usage(began), numbers, self._secrets)

    def _edit(self, feedback: tuple[Feedback, ...]) -> Edit:
        """The edit that the lane proposes. One that cannot be used is asked for once more in another style."""
        style = self._question.style(self._lane.name)
        try:
            return self._turn(self._question.prompt(style, feedback))
        except AnswerError as error:
            again = (*feedback, Feedback(self._answer, retry_hint(error)))
        return self._turn(self._question.prompt(other_style(style), again))

    def _turn(self, prompt: Prompt) -> Edit:
        """One answer, read against what the model was shown; only then do the secrets return."""
        self._secrets = tuple(prompt.redaction.originals.values())
        self._answer, row = self._ask_until_answered(self._call(prompt), prompt)
        try:
            edit = read_answer(self._answer, prompt.shown)
        except AnswerError as error:
            told = self._terms.scrubbed(prompt.hide(str(error)))
            row = replace(row, verdict=DiscardReason.INVALID_DIFF.value, error=told)
            raise
        finally:
            self._keep(row)
        return replace(edit, after={path: text and prompt.restore(text) for path, text in edit.after.items()})

    def _ask_until_answered(self, call: Call, prompt: Prompt) -> tuple[str, Attempt]:
        """Repeat what may pass, as often as the terms say for the whole candidate, with a pause before."""
        while True:
            try:
                answer, row = self._lane.metered.ask(call, self._keep, prompt.redacted, prompt.format)
            except ProviderFailure as failure:
                if not consequence(failure).again or self._repeated >= self._terms.retries:
                    raise
            else:
                return answer.text, row
            self._terms.pause(pause_s(self._repeated, self._terms.jitter()), self._cancel)
            self._repeated += 1

    def _call(self, prompt: Prompt) -> Call:
        model, terms = self._lane.model, self._terms
        first, *later = prompt.messages
        if model.vision:
            first = replace(first, images=self._question.images)
        return Call(
            model=model.model,
            base_url=model.base_url,
            api_key=key_of(model, terms.env),
            system=prompt.system,
            messages=(first, *later),
            max_tokens=terms.max_tokens,
            first_byte_s=min(terms.first_byte_s, self._total_s),
            total_s=self._total_s,
            cancel=self._cancel,
        )

    def _keep(self, row: Attempt) -> None:
        self._terms.on_attempt(row)
        self._rows.append(row)

    def _candidate(self, edit: Edit, began: float) -> Candidate:
        last = self._rows[-1]
        return Candidate(
            make_diff(self._question.files, edit.after),
            provider=self._lane.name,
            origin=f"{last.model} ({edit.format})",
            prior=PRIOR,
            usage=self._usage(began),
            meta={"attempt": last.number, "format": edit.format, "model": last.model},
        )

    def _usage(self, began: float) -> Usage:
        costs = [row.usd_micros for row in self._rows]
        known = [cost for cost in costs if cost is not None]
        return Usage(
            tokens_in=sum(row.tokens_in for row in self._rows),
            tokens_out=sum(row.tokens_out for row in self._rows),
            latency_ms=round((time.monotonic() - began) * 1000),
            cost_usd_micros=sum(known) if len(known) == len(costs) else None,
            cached=any(row.tokens_cached for row in self._rows),
        )

    def _failure(
        self,
        reason: str,
        error: Exception,
        bucket: Exhausted | None = None,
        retry_after_s: float | None = None,
    ) -> Failure:
        return Failure(self._lane.name, reason, self._terms.scrubbed(str(error)), bucket, retry_after_s)


def as_response(candidate: Candidate) -> ProviderResponse:
    """A lane's candidate by the contract's names; money is in `meta`, in micro-USD (None: unknown)."""
    usage = candidate.usage
    return ProviderResponse(
        candidate.provider,
        candidate.diff,
        usage.tokens_in,
        usage.tokens_out,
        usage.latency_ms,
        {**candidate.meta, "stub": False, "cost_usd_micros": usage.cost_usd_micros, "cached": usage.cached},
    )


def _raised(asked: Asked) -> ProviderFailure:
    """A failure as the exception that a `Provider` raises; rubbish is what does not keep to the protocol."""
    failure = asked.failure
    if failure is None:
        raise ValueError("asking brings a candidate or a failure")
    if failure.bucket is not None:
        return LaneRefused(failure.lane, failure.bucket, failure.retry_after_s)
    cause = Cause.MALFORMED if failure.reason == REJECTED_EDIT else Cause(failure.reason)
    return ProviderFailure(cause, failure.message, retry_after_s=failure.retry_after_s)
