"""Ask the lanes: all at once, each candidate executed as it comes, each that failed told why and asked again.

Every lane has a thread of its own: ask → execute → feedback → ask. Execution is bounded by the cores, asking is
not. The first proven candidate ends the race where the policy says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from threading import Event, Lock, Semaphore, Thread

from llm.budget import Budget
from llm.checks.baseline import width
from llm.domain import (
    Evaluation,
    LaneAnswer,
    LaneWork,
    RepairRequest,
    RouteDecision,
    SkipReason,
    Stage,
    Usage,
)
from llm.fixers.base import RedState
from llm.generate import Generation, Numbers, named, verdict_of
from llm.ledger.base import QuotaStore
from llm.ledger.record import Record
from llm.ledger.trace_rows import Attempt
from llm.ledger.traces import TraceStore
from llm.providers.attempts import Failure, exit_code, fingerprint
from llm.providers.base import ProviderRequest, ProviderResponse
from llm.providers.credentials import configured_keys
from llm.providers.lane import Asked, Lane
from llm.providers.metered import Terms
from llm.providers.prompt import Feedback, outcome
from llm.providers.question import Question, images_of
from llm.providers.router import ProvidersRouter
from llm.providers.stub_mode import best_stub, missing_keys, stub_candidates
from llm.rerank.examine import Examiner, Layer
from llm.rerank.select import select

ATTEMPTS_PER_FAILURE = 24
"""The most attempts on one and the same failure within a day, over all runs: a loop in CI must end."""
_DAY_S = 86_400.0
_REFUSED_BY_A_CAP = 4
_FEEDBACK_CHARS = 6_000
_SHARE = 0.75
"""Of the time to the deadline that the lanes get; the rest is for the last look at what they found."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the lanes are to repair: how far the fixers came, and who judges."""

    stage: Stage
    red: RedState
    layer: Layer
    examiner: Examiner


class Escalation:
    """The lanes of one run. `evaluations` grows as verdicts come; `cancel` ends all that is under way."""

    def __init__(
        self,
        request: RepairRequest,
        router: ProvidersRouter,
        env: Mapping[str, str],
        traces: TraceStore,
        record: Record,
        budget: Budget,
        numbers: Numbers,
    ) -> None:
        self._request = request
        self._router = router
        self._policy = router.policy
        self._env = env
        self._traces = traces
        self._record = record
        self._budget = budget
        self._numbers = numbers
        self._cores = Semaphore(width())
        self._lock = Lock()
        self._answers: list[LaneAnswer] = []
        self._failures: list[Failure] = []
        self._proposers: dict[int, object] = {}
        self._failure = ""
        self.cancel = Event()
        self.evaluations: list[Evaluation] = []

    def warm(self, stages: Iterable[Stage]) -> None:
        """Import the SDKs of the lanes that these stages would ask, beside the baseline."""
        decisions = [self._router.route(stage) for stage in stages]
        Thread(target=self._router.warm, args=(decisions,), daemon=True, name="warm").start()

    def beside(self, generation: Generation, stage: Stage) -> LaneWork:
        """The fixers, and the lanes if those proved nothing; or both at once, where the policy says `always`."""
        baseline = generation.examiner.baseline
        if baseline.results and not baseline.red:
            return LaneWork(self._route(stage), held_back="nothing was red")
        if self._policy.escalate == "always":
            return self._race(generation, Target(stage, generation.red, Layer(), generation.examiner))
        found = select(generation.run())
        if found.winner and (self._request.accept_ambiguous or not found.ambiguous):
            return LaneWork(self._route(stage), held_back="the embedded fixers proved a candidate")
        return self.run(Target(stage, generation.red, generation.layer, generation.examiner))

    def run(self, target: Target) -> LaneWork:
        """Decide, ask, execute. LedgerError where the ledger or the trace cannot be had: then nobody is called."""
        from llm.ledger.home import open_store

        with closing(open_store(self._router.root, self._env)) as store:
            decision = self._route(target.stage, store)
            self._record.emit("route", reason=decision.reason, rule=decision.rule, stub=decision.stub)
            if decision.stub:
                return self._stubs(target, decision)
            if held_back := self._held_back(target):
                return LaneWork(decision, held_back=held_back, exit_code=_REFUSED_BY_A_CAP)
            trace_id = self._request.trace_id
            terms = Terms(trace_id, target.stage, self._policy, store, self._note, self._env)
            self._ask(self._router.lanes(decision, terms), target)
        self.evaluations = [replace(e, agreement=target.examiner.agreement(e)) for e in self.evaluations]
        return self._work(decision)

    def _route(self, stage: Stage, store: QuotaStore | None = None) -> RouteDecision:
        assets, by_stdin = bool(self._request.assets), self._request.stdin_contract
        return self._router.route(stage, assets, by_stdin, store)

    def _race(self, generation: Generation, target: Target) -> LaneWork:
        """Whoever proves a candidate first ends the other, where the policy lets the first win."""
        with ThreadPoolExecutor(1, thread_name_prefix="lanes") as pool:
            lanes = pool.submit(self.run, target)
            try:
                lanes.add_done_callback(lambda _: self._end(generation.stop, self.evaluations))
                self._end(self.cancel.set, generation.run())
            except BaseException:
                self.cancel.set()
                raise
            return lanes.result()

    def _end(self, others: Callable[[], None], evaluations: Sequence[Evaluation]) -> None:
        if self._policy.race and any(evaluation.passed for evaluation in evaluations):
            others()

    def _held_back(self, target: Target) -> str:
        known = [d.key for d in target.red.diagnostics] or list(self._request.logs.values())
        self._failure = fingerprint(known)
        self._traces.note_failure(self._request.trace_id, self._failure)
        return self._worn_out()

    def _worn_out(self) -> str:
        """Why no lane is asked about this failure once more, "" while it is. Asked before each question, because
        other runs and the other lanes of this one count as well."""
        made = self._traces.attempts_on(self._failure, time.time() - _DAY_S)
        if made < ATTEMPTS_PER_FAILURE:
            return ""
        return f"{made} attempts on this same failure within a day: no lane is asked again until it changes"

    def _stubs(self, target: Target, decision: RouteDecision) -> LaneWork:
        request = ProviderRequest(self._request.logs, self._request.files or target.red.files)
        responses = stub_candidates(decision, request)
        unset = missing_keys(decision, self._policy, self._env)
        return LaneWork(decision, tuple(map(_stub_answer, responses)), unset, shown=best_stub(responses))

    def _ask(self, lanes: tuple[Lane, ...], target: Target) -> None:
        question = self._question(target.red)
        self._budget = _shortened(self._budget)
        samples = [lane for lane in lanes for _ in range(self._policy.samples)]
        with ThreadPoolExecutor(max(1, len(samples)), thread_name_prefix="lane") as pool:
            futures = [pool.submit(self._work_on, lane, question, target) for lane in samples]
            try:
                wait(futures, timeout=_finite(self._budget.remaining_s()))
            finally:
                if not all(future.done() for future in futures):
                    self.cancel.set()  # the deadline, or an interrupt: connections close, jobs are killed
        for future in futures:
            future.result()

    def _note(self, attempt: Attempt) -> None:
        """Into the trace first, which must have it before anything is done with the answer; then whoever watches
        the run hears of it."""
        self._traces.add_attempt(attempt)
        row = asdict(attempt)
        del row["trace_id"]
        self._record.emit("attempt", began=row.pop("at"), **row)

    def _question(self, red: RedState) -> Question:
        return Question(
            logs=self._request.logs,
            files=red.files,
            diagnostics=red.diagnostics,
            checks=red.baseline,
            redact=self._policy.redact,
            literals=configured_keys(self._policy.models.values(), self._env),
            images=images_of(self._request.assets),
            protected=self._policy.protected,
        )

    def _work_on(self, lane: Lane, question: Question, target: Target) -> None:
        """Ask one lane, up to the policy's rounds, until it is proven or nothing more is wanted."""
        feedback: tuple[Feedback, ...] = ()
        me = object()
        for number in range(1, self._policy.rounds + 1):
            if self.cancel.is_set():
                return
            if worn_out := self._worn_out():
                self._record.emit("progress", line=f"{lane.name}: {worn_out}")
                return
            self._record.emit("asking", lane=lane.name, round=number)
            asked = lane.ask(question, feedback, self.cancel, _finite(self._budget.remaining_s()))
            evaluation = self._examine(asked, target, me)
            self._keep(asked, evaluation)
            if evaluation is None or evaluation.passed:
                return
            if evaluation.same_as is not None and self._proposers.get(evaluation.same_as, me) is not me:
                return  # another lane came with this first, and hears how it went
            feedback = (*feedback, _told(lane, question, asked, evaluation, feedback))

    def _examine(self, asked: Asked, target: Target, proposer: object) -> Evaluation | None:
        """Execute the candidate, as many at once as there are cores; None where there is nothing to execute."""
        if asked.candidate is None or not target.red.baseline:
            return None
        with self._cores:
            number = next(self._numbers)
            self._proposers[number] = proposer
            self._record.emit("candidate", **named(asked.candidate, number))
            evaluation = target.examiner.examine(asked.candidate, number, self.cancel, target.layer, asked.secrets)
        self._record.emit("verdict", **verdict_of(evaluation))
        return evaluation

    def _keep(self, asked: Asked, evaluation: Evaluation | None) -> None:
        failure = asked.failure
        answer = LaneAnswer(
            asked.lane,
            asked.usage,
            diff=asked.candidate.diff if asked.candidate else "",
            index=evaluation.index if evaluation else None,
            failure=failure.reason if failure else "",
            message=failure.message if failure else "",
        )
        self._record.emit("answered", lane=asked.lane, cost_usd_micros=asked.usage.cost_usd_micros)
        with self._lock:
            self._answers.append(answer)
            self._failures += [failure] if failure else []
            self.evaluations += [evaluation] if evaluation else []
        if failure:
            self._record.emit("lane_failed", lane=asked.lane, reason=failure.reason, message=failure.message)
        if evaluation:
            self._end(self.cancel.set, [evaluation])

    def _work(self, decision: RouteDecision) -> LaneWork:
        no_key = (s for s in decision.skipped if s.reason is SkipReason.NO_CREDENTIALS)
        answered = sum(not answer.failure for answer in self._answers)
        in_order = sorted(self._answers, key=lambda answer: decision.providers.index(answer.lane))
        return LaneWork(
            decision,
            tuple(in_order),
            unset=tuple(skipped.detail.removeprefix("set ") for skipped in no_key),
            exit_code=exit_code(decision.skipped, self._failures, answered),
        )


def _told(
    lane: Lane, question: Question, asked: Asked, evaluation: Evaluation, feedback: tuple[Feedback, ...]
) -> Feedback:
    """What a lane hears of its candidate that did not pass."""
    if not evaluation.results:  # it was not executed: it broke a rule, did not apply, or was there before
        return Feedback(asked.answer, f"Your change was refused ({evaluation.reason}): {evaluation.detail}")
    hide = question.prompt(question.style(lane.name), feedback).hide
    red = evaluation.newly_failing, evaluation.still_failing
    return Feedback(asked.answer, outcome(evaluation.results, _FEEDBACK_CHARS, hide, *red))


def _stub_answer(response: ProviderResponse) -> LaneAnswer:
    usage = Usage(response.tokens_in, response.tokens_out, response.latency_ms)
    return LaneAnswer(response.provider, usage, response.diff)


def _shortened(budget: Budget) -> Budget:
    if budget.deadline_s is None:
        return budget
    return replace(budget, deadline_s=budget.elapsed_s() + _SHARE * budget.remaining_s())


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else max(0.0, seconds)
