"""The runs of the demo: some weeks of them, thrown with dice of a fixed seed, kept by the stores' methods."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from llm.domain import EMBEDDED
from llm.ledger.base import Caps, Claim, Grant, QuotaStore
from llm.ledger.trace_rows import Attempt, CandidateRow, Change, Ending
from llm.ledger.traces import TraceStore
from llm.providers.models import DEFAULT_MODELS, Model
from llm.providers.policy_file import StageName
from llm.providers.route import DEFAULT_ROUTES
from llm.server.demo.scenes import RATES, SCENES, WEIGHTS, Scene

DAYS = 24
_SEED = 6
_ON_A_DAY = (9, 21)
_AT_WEEKENDS = (1, 5)
_JUST_NOW = 12
_COUNTED_S = 2 * 86400
"""Older calls are in no quota any more."""
_OUTAGE, _FULL = 9, 15
"""So many days ago most calls failed, and the lanes' quotas were used up."""
_ROUTES: Mapping[StageName, Sequence[str]] = {
    **DEFAULT_ROUTES,
    "types": ("anthropic/claude-3.5", "openai/gpt-4o", "google/gemini-1.5"),
    "tests": ("openai/gpt-4o", "google/gemini-1.5"),
}
"""Those of the demo's policy."""
_POLICY = "d" * 64
_FAILURES: Mapping[str, tuple[int | None, str, int]] = {
    "rate_limit": (429, "the server asks for patience", 6),
    "server": (503, "the server is overloaded", 3),
    "timeout": (None, "no first byte within 60 s", 3),
    "truncated": (None, "the answer ended at the token limit", 2),
    "daily_calls": (None, "no call is allowed: daily_calls", 3),
    "rpm": (None, "no call is allowed: rpm", 2),
}
_CAPS = ("daily_calls", "rpm")
_LOST = ("checks_red", "checks_red", "checks_red", "invalid_diff", "overfit", "tampering", "timeout")


class Clock:
    """Time that the demo moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Kept:
    """One run as it is to be kept. `ending` None: it was interrupted. `changes` are what its patch went through,
    seconds after its end."""

    trace_id: str
    started: float
    workspace: str
    attempts: tuple[Attempt, ...]
    ending: Ending | None
    changes: tuple[tuple[float, Change], ...] = ()


def fill(traces: TraceStore, ledger: QuotaStore, clock: Clock, workspaces: Sequence[Path], now: float) -> None:
    """Keep them all, the oldest first, and count their calls. `clock` is that of both stores: it stands at `now`
    when this is done."""
    dice = Random(_SEED)
    for started in _starts(dice, now):
        kept = _Dice(dice, started, str(dice.choice(workspaces)), (now - started) // 86400).thrown()
        clock.now = started
        traces.begin(kept.trace_id, kept.workspace, _POLICY)
        counted = ledger if now - started < _COUNTED_S else None
        for attempt in kept.attempts:
            clock.now = min(now, attempt.at)
            _count(counted, kept.trace_id, attempt)
            traces.add_attempt(attempt)
        if kept.ending is not None:
            clock.now = min(now, started + kept.ending.duration_ms / 1000)
            traces.finish(kept.trace_id, kept.ending)
        for after_s, change in kept.changes:
            clock.now = min(now, clock.now + after_s)
            traces.note_change(kept.trace_id, replace(change, at=clock.now))
    clock.now = now


def go_on(traces: TraceStore, workspace: Path) -> None:
    """One more that has begun and does not end, for as long as `traces` is open."""
    traces.begin(str(uuid.UUID(int=Random(_SEED).getrandbits(128), version=4)), str(workspace), _POLICY)


def _starts(dice: Random, now: float) -> Iterator[float]:
    """In working hours, fewer at weekends that nothing special falls on; several within the last hours."""
    for day in range(DAYS, 0, -1):
        at = now - day * 86400
        weekend = int(at // 86400 + 3) % 7 > 4 and day - 1 not in (_OUTAGE, _FULL)
        few, many = _AT_WEEKENDS if weekend else _ON_A_DAY
        yield from sorted(at + dice.triangular(0, 75000, 50000) for _ in range(dice.randint(few, many)))
    today_s = max(60.0, min(10_000, now % 86400))  # what counts against a day's caps has to be of this day
    yield from sorted(now - dice.uniform(0.03, 1) * today_s for _ in range(_JUST_NOW))


def _count(ledger: QuotaStore | None, run: str, attempt: Attempt) -> None:
    if ledger is None or attempt.cause in _CAPS:
        return
    tokens = attempt.tokens_in + attempt.tokens_out
    grant = ledger.reserve(Claim(attempt.lane, run, tokens, attempt.reserved_usd_micros, Caps()))
    if isinstance(grant, Grant) and ledger.mark_sent(grant) is None:
        ledger.settle(grant, tokens, attempt.usd_micros, answered=attempt.cause == "ok")


class _Dice:
    """One run, thrown."""

    def __init__(self, dice: Random, started: float, workspace: str, days_ago: float) -> None:
        self._dice, self._started, self._workspace = dice, started, workspace
        self._trace_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        outage = days_ago == _OUTAGE
        self._failing = 0.97 if outage else 0.11
        self._causes = {cause: n for cause, (*_, n) in _FAILURES.items() if not (outage and cause in _CAPS)}
        self._full = 0.8 if days_ago == _FULL else 0.04
        self._scene: Scene = dice.choices(SCENES, WEIGHTS)[0]
        self._at = started + dice.uniform(1.5, 9)
        self._candidates: list[CandidateRow] = []
        self._attempts: list[Attempt] = []
        self._skipped: list[dict[str, str]] = []

    def thrown(self) -> Kept:
        """The whole run."""
        if self._dice.random() < 0.03:
            return self._kept(self._ending("nothing was red", exit_code=0, nothing_red=True))
        if not self._by_fixers():
            self._by_lanes()
        if self._dice.random() < 0.02:
            return self._kept(None)
        return self._judged()

    def _kept(self, ending: Ending | None) -> Kept:
        won = ending is not None and ending.mode == "PATCH"
        changes = tuple(self._changes()) if won else ()
        attempts = tuple(self._attempts)
        return Kept(self._trace_id, self._started, self._workspace, attempts, ending, changes)

    def _by_fixers(self) -> bool:
        """Whether the embedded fixers prove a candidate."""
        won = self._dice.random() < (0.85 if self._scene.stage == "style" else 0.42)
        tries = self._dice.randint(1, 5)
        for number in range(tries):
            self._at += self._dice.uniform(0.4, 2.5)
            passed = won and number == tries - 1
            self._show(EMBEDDED, self._scene.fixer, 0 if passed else number + 1, passed)
        return won

    def _by_lanes(self) -> None:
        """The lanes of the rule are asked at once; who fails is asked once more. The slowest is waited for."""
        asked_at = last = self._at
        for lane in _ROUTES[self._scene.stage]:
            if self._dice.random() < self._full:
                self._skipped.append({"provider": lane, "reason": "quota", "detail": "daily_calls"})
                continue
            self._at = asked_at
            for number in (1, 2):
                answered = self._attempt(DEFAULT_MODELS[lane], number)
                passed = self._dice.random() < RATES[lane][self._scene.stage] * (1 if number == 1 else 0.4)
                if answered:
                    self._at += self._dice.uniform(1, 6)
                    self._show(lane, f"answer {number}", 0 if passed else number, passed, self._attempts[-1])
                last = max(last, self._at)
                if answered and passed:
                    break
        self._at = last

    def _attempt(self, model: Model, number: int) -> bool:
        cause = "ok"
        if self._dice.random() < self._failing:
            cause = self._dice.choices(tuple(self._causes), tuple(self._causes.values()))[0]
        status, error, _ = _FAILURES.get(cause, (None, "", 0))
        sent = cause not in _CAPS
        answered = cause == "ok"
        tokens_in = self._dice.randint(2500, 9000) if answered else 0
        tokens_out = self._dice.randint(150, 1400) if answered else 0
        took_ms = round(self._dice.lognormvariate(8.6, 0.5)) if sent else 0
        attempt = Attempt(
            *(self._trace_id, model.lane, model.model, model.protocol, number, self._at, cause, status),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            usd_micros=model.cost_usd_micros(tokens_in, tokens_out),
            price_as_of=model.price_as_of,
            queue_ms=self._dice.randint(0, 30) if sent else 0,
            provider_ms=took_ms,
            overhead_ms=self._dice.randint(0, 3),
            first_byte_ms=took_ms // 4,
            policy_hash=_POLICY,
            stage=self._scene.stage,
            format="search_replace",
            error=f"{model.lane}: {error}" if error else "",
            reserved_usd_micros=model.cost_usd_micros(round(tokens_in * 1.6) or 6000, 8192) if sent else 0,
        )
        self._attempts.append(attempt)
        self._at += took_ms / 1000
        return answered

    def _show(self, lane: str, origin: str, tried: int, passed: bool, attempt: Attempt | None = None) -> None:
        """A candidate, and what running it showed."""
        scene = self._scene
        reason = "" if passed else self._dice.choice(_LOST)
        ran = reason in ("", "checks_red", "overfit")
        self._candidates.append(
            CandidateRow(
                number=len(self._candidates),
                provider=lane,
                origin=origin,
                diff=scene.diff(0 if passed else max(1, tried)),
                reason=reason,
                detail="" if passed else scene.check,
                fail_to_pass=2 if passed else 0,
                still_failing=0 if passed else 2,
                newly_failing=(f"{scene.check}::{scene.path}",) if reason == "checks_red" else (),
                diff_size=2,
                ttg_ms=round((self._at - self._started) * 1000),
                tokens_in=attempt.tokens_in if attempt else 0,
                tokens_out=attempt.tokens_out if attempt else 0,
                cost_usd_micros=attempt.usd_micros if attempt else 0,
                attempt=attempt.number if attempt else 0,
                checks={scene.check: "green" if passed else "red"} if ran else {},
            )
        )

    def _judged(self) -> Kept:
        self._at += self._dice.uniform(0.5, 3)
        passed = [row for row in self._candidates if not row.reason]
        if passed and self._dice.random() < 0.03:
            words = "not proven: candidates that pass behave differently; --accept-ambiguous takes the first"
            return self._kept(self._ending(words, diff=passed[0].diff))
        if passed:
            best = min(passed, key=lambda row: (row.attempt > 0, row.ttg_ms))
            return self._kept(self._ending("1 of 1 checks turned green", "PATCH", 0, best.diff, winner=best))
        return self._kept(self._ending(*self._red()))

    def _red(self) -> tuple[str, str, int]:
        """Why it stays red: words, mode and exit code."""
        if any(one.cause == "ok" for one in self._attempts):
            return "no candidate turned the checks green", "ADVISORY", 1
        capped = self._skipped or any(one.cause in _CAPS for one in self._attempts)
        return (
            ("no lane was asked: daily_calls", "ADVISORY", 4) if capped else ("every lane failed", "ADVISORY", 3)
        )

    def _ending(
        self,
        summary: str,
        mode: str = "ADVISORY",
        exit_code: int = 1,
        diff: str = "",
        winner: CandidateRow | None = None,
        nothing_red: bool = False,
    ) -> Ending:
        ordered = sorted(self._candidates, key=lambda row: (row is not winner, bool(row.reason), row.number))
        return Ending(
            stage=self._scene.stage,
            mode=mode,
            exit_code=exit_code,
            summary=summary,
            duration_ms=round((self._at - self._started) * 1000),
            winner=winner.number if winner else None,
            winner_lane=winner.provider if winner else "",
            winner_origin=winner.origin if winner else "",
            diff=diff,
            isolation="full",
            details=self._details(winner, nothing_red),
            candidates=tuple(ordered),
        )

    def _details(self, winner: CandidateRow | None, nothing_red: bool) -> dict[str, Any]:
        scene = self._scene
        before = {"status": "green" if nothing_red else "red", "exit_code": 0 if nothing_red else 1}
        won = f"{winner.provider} turned every red result green and broke none" if winner else ""
        return {
            "stage_reason": f"{scene.check} is red",
            "checks": [{"name": scene.check, "command": scene.check, "before": before, "after": None}],
            "notes": [],
            "doubts": [],
            "flaky": [],
            "nothing_red": nothing_red,
            "tried_count": len(self._candidates),
            "why": won,
            "decision": self._decision() if self._attempts or self._skipped else None,
        }

    def _decision(self) -> dict[str, Any]:
        lanes = list(dict.fromkeys(one.lane for one in self._attempts))
        stage = self._scene.stage
        rule = f"{'policy' if stage in ('types', 'tests') else 'default'}:{stage}"
        return {
            "stage": stage,
            "providers": lanes,
            "reason": f"{rule} asks {' and '.join(lanes) or 'nobody'}",
            "rule": rule,
            "lanes": [{"provider": lane, "reason": f"number {n} of {rule}"} for n, lane in enumerate(lanes, 1)],
            "skipped": self._skipped,
            "stub": False,
        }

    def _changes(self) -> Iterator[tuple[float, Change]]:
        """Most proven patches are applied; few of them do not stand on the real files, or are taken back."""
        if self._dice.random() < 0.25:
            return
        who = self._dice.choice(("cli", "cli", "7f3a90c1"))
        after_s = self._dice.uniform(5, 400)
        if self._dice.random() < 0.05:
            words = f"on the real files {self._scene.check} is red; every byte is as it was"
            yield after_s, Change(0.0, "rolled_back", who, words)
            return
        yield after_s, Change(0.0, "applied", who)
        if self._dice.random() < 0.06:
            yield self._dice.uniform(60, 4000), Change(0.0, "undone", who)
