"""Page 6: one run as a waterfall, its candidates side by side, why the winner won, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from llm.apply.plan import plan_of_stored
from llm.errors import InputError
from llm.kept.board.table import Table
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_lines import Decision, skipped
from llm.ledger.trace_rows import Attempt, CandidateRow, Change, StoredRun

SIDE_BY_SIDE = 20
"""So many candidates are told whole; the winner is always among them."""


@dataclass(frozen=True, slots=True)
class Span:
    """One bar. Milliseconds since the run's start. `kind` is `run`, `queue` (waiting for the ledger), `provider`
    (waiting for the vendor), `candidate` (until it was judged) or `change` (its patch was applied or taken back).
    `lane` is "" where there is none; `outcome` is the attempt's cause, the candidate's reason (`passed`), or the
    run's outcome."""

    name: str
    kind: str
    lane: str
    start_ms: int
    end_ms: int
    outcome: str


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """One check: `before` on the untouched tree, `after` with a candidate ("": it did not come to that)."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Side:
    """One candidate beside the others; `won` marks the winner. `reason` "" is passed. `broken` counts results that
    it turned red or lost, `fixed` those that it turned green. Money None: nobody knows the price."""

    number: int
    lane: str
    origin: str
    won: bool
    reason: str
    detail: str
    diff: str
    checks: Table[CheckSeen]
    fixed: int
    still_failing: int
    broken: int
    agreement: int
    diff_size: int
    ttg_ms: int
    tokens_in: int
    tokens_out: int
    usd_micros: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One attempt to ask a lane. `estimated_usd_micros` is what was reserved for it, None: not known."""

    lane: str
    model: str
    number: int
    cause: str
    status: int | None
    verdict: str
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    estimated_usd_micros: int | None
    usd_micros: int | None
    queue_ms: int
    provider_ms: int
    first_byte_ms: int
    overhead_ms: int
    redacted: int
    error: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done with the patch on the user's files: `applied`, `rolled_back` or `undone`; `by` is `cli`, `mcp`
    or the id of an API key. `reason` says why it was rolled back."""

    at: float
    what: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Story:
    """The page. `candidates` are the best first, `tried` counts all that there were. `skipped`: the lanes that
    were not asked and why, in words. `applicable`: it proved a patch that was kept whole."""

    run: Decision
    ended: float | None
    policy_hash: str
    isolation: str
    stage_reason: str
    route_reason: str
    why: str
    doubts: tuple[str, ...]
    flaky: tuple[str, ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...]
    diff: str
    applicable: bool
    tried: int
    spans: Table[Span]
    candidates: Table[Side]
    attempts: Table[Asked]
    changes: Table[Changed]


def trace(figures: TraceFigures, trace_id: str) -> Story:
    """The run whose id begins so. InputError: none, or ambiguous; LedgerError."""
    stored = figures.story(trace_id)
    place, line = figures.line(stored.run.trace_id)
    run, details = stored.run, stored.details
    changes = figures.changes(place.number)
    route = details.get("decision") or {}
    return Story(
        run=line,
        ended=run.ended,
        policy_hash=run.policy_hash,
        isolation=run.isolation,
        stage_reason=details.get("stage_reason", ""),
        route_reason=route.get("reason", ""),
        why=details.get("why", ""),
        doubts=tuple(details.get("doubts", ())),
        flaky=tuple(details.get("flaky", ())),
        notes=tuple(details.get("notes", ())),
        skipped=tuple(map(skipped, route.get("skipped", ()))),
        diff=run.diff,
        applicable=_applicable(stored),
        tried=details.get("tried_count", len(stored.candidates)),
        spans=Table(_spans(stored, line.outcome, changes)),
        candidates=Table(_side(one, stored) for one in _best(stored)),
        attempts=Table(map(_asked, stored.attempts)),
        changes=Table(Changed(each.at, each.what, each.who, each.reason) for each in changes),
    )


def _applicable(stored: StoredRun) -> bool:
    try:
        plan_of_stored(stored)
    except InputError:
        return False
    return True


def _spans(stored: StoredRun, outcome: str, changes: Iterable[Change]) -> Iterator[Span]:
    """In the order in which they begin, the run first."""
    begun = stored.run.started
    bars = [*_waits(stored.attempts, begun), *_judged(stored), *_changed(changes, begun)]
    last = stored.run.duration_ms
    end = max((bar.end_ms for bar in bars if bar.kind != "change"), default=0) if last is None else last
    yield Span("run", "run", "", 0, end, outcome)
    yield from sorted(bars, key=lambda bar: (bar.start_ms, bar.end_ms))


def _waits(attempts: Iterable[Attempt], begun: float) -> Iterator[Span]:
    for one in attempts:
        start = max(0, round((one.at - begun) * 1000))
        sent = start + one.queue_ms
        name = f"{one.lane} #{one.number}"
        if one.queue_ms:
            yield Span(name, "queue", one.lane, start, sent, one.cause)
        if one.provider_ms:
            yield Span(name, "provider", one.lane, sent, sent + one.provider_ms, one.cause)


def _judged(stored: StoredRun) -> Iterator[Span]:
    """A candidate is told from when its lane had answered; of the others only their end is known."""
    answered = {
        (one.lane, one.number): round((one.at - stored.run.started) * 1000) + one.queue_ms + one.provider_ms
        for one in stored.attempts
    }
    for one in _best(stored):
        if one.ttg_ms:
            start = min(one.ttg_ms, answered.get((one.provider, one.attempt), one.ttg_ms))
            outcome = one.reason or "passed"
            yield Span(f"candidate {one.number}", "candidate", one.provider, max(0, start), one.ttg_ms, outcome)


def _changed(changes: Iterable[Change], begun: float) -> Iterator[Span]:
    for one in changes:
        at = max(0, round((one.at - begun) * 1000))
        yield Span(one.what.replace("_", " "), "change", "", at, at, one.what)


def _best(stored: StoredRun) -> list[CandidateRow]:
    best = list(stored.candidates[:SIDE_BY_SIDE])
    return best + [one for one in stored.candidates[SIDE_BY_SIDE:] if one.number == stored.run.winner]


def _side(one: CandidateRow, stored: StoredRun) -> Side:
    before = {check["name"]: str(check["before"]["status"]) for check in stored.details.get("checks", ())}
    names = dict.fromkeys((*before, *one.checks))
    return Side(
        number=one.number,
        lane=one.provider,
        origin=one.origin,
        won=one.number == stored.run.winner,
        reason=one.reason,
        detail=one.detail,
        diff=one.diff,
        checks=Table(CheckSeen(name, before.get(name, ""), one.checks.get(name, "")) for name in names),
        fixed=one.fail_to_pass,
        still_failing=one.still_failing,
        broken=len(one.newly_failing) + len(one.missing),
        agreement=one.agreement,
        diff_size=one.diff_size,
        ttg_ms=one.ttg_ms,
        tokens_in=one.tokens_in,
        tokens_out=one.tokens_out,
        usd_micros=one.cost_usd_micros,
    )


def _asked(one: Attempt) -> Asked:
    told = {name: getattr(one, name) for name in (f.name for f in fields(Asked)) if hasattr(one, name)}
    return Asked(**told, estimated_usd_micros=one.reserved_usd_micros)
