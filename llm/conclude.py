"""From what was found to what is said: mode, exit code, diff, and one honest sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llm.domain import (
    Baseline,
    Candidate,
    CheckResult,
    Evaluation,
    LaneAnswer,
    LaneWork,
    Mode,
    RepairRequest,
    Run,
    Selection,
    Triage,
)
from llm.rerank.examine import Files
from llm.rerank.select import why_ambiguous
from llm.sandbox.base import Sandbox

PROVEN, STILL_RED = 0, 1


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run found out, before anything is concluded from it."""

    request: RepairRequest
    triage: Triage
    baseline: Baseline
    selection: Selection
    sandbox: Sandbox
    changed: Files
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unproven: tuple[Candidate, ...] = ()
    duration_s: float = 0.0
    lanes: LaneWork | None = None
    originals: Mapping[str, str | None] = field(default_factory=dict)


def conclude(found: Findings) -> Run:
    """The verdict. PATCH only where a candidate passed, a second look agreed and nothing is ambiguous."""
    winner = found.selection.winner
    ambiguous = found.selection.ambiguous and not found.request.accept_ambiguous
    doubts = found.doubts or found.baseline.flaky
    unseen = tuple(r for r in found.baseline.not_run if r.check.confidence == 1.0)
    proven = winner is not None and not ambiguous and not doubts and not unseen
    stub = _stub(found.lanes) if winner is None else None
    nothing_red = not found.baseline.red and bool(found.baseline.green) and not found.baseline.not_run
    return Run(
        request=found.request,
        mode=Mode.PATCH if proven else Mode.ADVISORY,
        exit_code=PROVEN if proven or nothing_red else found.lanes.exit_code if found.lanes else STILL_RED,
        summary=_summary(found, winner, ambiguous, doubts or _not_run(unseen)) + _of_lanes(found.lanes, stub),
        triage=found.triage,
        baseline=found.baseline,
        selection=found.selection,
        diff=winner.candidate.diff if winner else stub.diff if stub else "",
        nothing_red=nothing_red,
        doubts=doubts,
        notes=(*found.notes, *_not_run(found.baseline.not_run)),
        unproven=(*found.unproven, *_unexecuted(found.lanes)),
        files=_texts(found.changed) if winner else {},
        isolation=found.sandbox.isolation,
        isolation_missing=found.sandbox.missing,
        duration_s=found.duration_s,
        lanes=found.lanes,
        originals=found.originals,
    )


def _stub(lanes: LaneWork | None) -> LaneAnswer | None:
    return lanes.answers[lanes.shown] if lanes and lanes.shown is not None else None


def _unexecuted(lanes: LaneWork | None) -> tuple[Candidate, ...]:
    """What lanes answered where no check could be run for it; a stub is not a candidate."""
    if lanes is None or lanes.decision.stub:
        return ()
    made = (answer for answer in lanes.answers if answer.diff and answer.index is None)
    return tuple(Candidate(a.diff, provider=a.lane, origin=a.lane, usage=a.usage) for a in made)


def _of_lanes(lanes: LaneWork | None, stub: LaneAnswer | None) -> str:
    if lanes is None:
        return ""
    said = [f"the diff is the offline stub of {stub.lane}, not a fix" if stub else "", lanes.held_back]
    if lanes.unset:
        said.append(f"for a real answer set {' or '.join(lanes.unset)}")
    return "".join(f"; {words}" for words in said if words)


def _summary(found: Findings, winner: Evaluation | None, ambiguous: bool, doubts: tuple[str, ...]) -> str:
    baseline = found.baseline
    if not baseline.results:
        return "no check was found, so nothing can be proven; name one with --check"
    if not baseline.red:
        return _nothing_red(baseline)
    if baseline.flaky:
        return f"flaky: red and green without a change: {_some(baseline.flaky)}; nothing can be proven by it"
    if winner and found.doubts:
        return f"not proven: a second look did not agree: {_some(doubts)}"
    if winner and doubts:
        return f"not proven: not every check that was asked for could be run: {_some(doubts)}"
    if winner and ambiguous:
        taken = "it" if winner.recites else "the first"
        return f"not proven: {why_ambiguous(found.selection)}; --accept-ambiguous takes {taken}"
    ended = tuple(
        f"{r.check.name} was ended ({r.killed} after {r.duration_s:.0f} s)" for r in baseline.red if r.killed
    )
    return "; ".join([found.selection.why, *ended])


def _not_run(results: tuple[CheckResult, ...]) -> tuple[str, ...]:
    return tuple(f"{r.check.name}: {r.not_run}" for r in results)


def _nothing_red(baseline: Baseline) -> str:
    if not baseline.green:
        return f"no check could be run: {_some(_not_run(baseline.not_run))}"
    if baseline.not_run:
        missing = _some(_not_run(baseline.not_run))
        return f"no check that ran is red, but not every check could be run: {missing}"
    return "nothing was red"


def _some(items: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _texts(files: Files) -> Mapping[str, str | None]:
    return {name: None if data is None else data.decode("utf-8", "replace") for name, data in files.items()}
