"""A run as the trace keeps it: who won and why, all of the lanes' candidates, and no secret."""

from __future__ import annotations

import json
from dataclasses import astuple, replace

from llm.domain import (
    EMBEDDED,
    Baseline,
    Candidate,
    Check,
    CheckResult,
    DiscardReason,
    Evaluation,
    LaneWork,
    Mode,
    RepairRequest,
    RouteDecision,
    Run,
    Selection,
    Stage,
    Triage,
    Usage,
)
from llm.ledger.trace_rows import Ending
from llm.report.story import ending_of

LANE = "openai/gpt-4o"
TOKEN = "ghp_" + "a1B2" * 9
CHECK = Check("mypy", "mypy .", stage=Stage.TYPES)
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
RED, GREEN = (CheckResult(CHECK, ("mypy", "."), code, 0.5) for code in (1, 0))


def _evaluation(
    index: int, provider: str = LANE, reason: DiscardReason | None = None, diff: str = DIFF
) -> Evaluation:
    usage = Usage(1000, 100, 1500, 3000)
    candidate = Candidate(diff, provider, f"answer {index}", usage=usage, meta={"attempt": index + 1})
    return Evaluation(candidate, index, reason, results=(RED if reason else GREEN,), diff_size=2, ttg_ms=900)


def _run(*ranking: Evaluation, mode: Mode = Mode.PATCH) -> Run:
    winner = next((e for e in ranking if e.passed), None)
    return Run(
        request=RepairRequest("id"),
        mode=mode,
        exit_code=0,
        summary="mypy is green",
        triage=Triage(Stage.TYPES, (), "1 mypy error"),
        baseline=Baseline((RED,)),
        selection=Selection(winner, ranking, "it alone passed"),
        diff=winner.candidate.diff if winner else "",
        duration_s=4.1,
    )


def test_the_winner_and_the_losers_are_told() -> None:
    run = _run(_evaluation(1), _evaluation(0, reason=DiscardReason.CHECKS_RED))
    ending = ending_of(replace(run, lanes=LaneWork(RouteDecision(Stage.TYPES, "default:types"))))
    assert (ending.winner, ending.winner_lane, ending.winner_origin, ending.diff) == (1, LANE, "answer 1", DIFF)
    assert (ending.stage, ending.mode, ending.duration_ms) == ("types", "PATCH", 4100)
    assert [(c.number, c.reason, c.attempt, dict(c.checks)) for c in ending.candidates] == [
        (1, "", 2, {"mypy": "green"}),
        (0, "checks_red", 1, {"mypy": "red"}),
    ]
    assert (ending.candidates[0].tokens_in, ending.candidates[0].cost_usd_micros) == (1000, 3000)
    assert ending.details["why"] == "it alone passed"
    assert ending.details["decision"]["rule"] == "default:types"
    assert ending.details["checks"][0]["before"]["status"] == "red"


def test_what_is_not_proven_has_not_won() -> None:
    ending = ending_of(_run(_evaluation(0), mode=Mode.ADVISORY))
    assert (ending.winner, ending.winner_lane, ending.diff) == (None, "", DIFF)


def test_unproven_candidates_are_kept_as_such() -> None:
    run = replace(_run(), unproven=(Candidate("guess", meta={"stub": True}),))
    (row,) = ending_of(run).candidates
    assert (row.reason, row.provider, row.stub, row.diff) == ("unproven", EMBEDDED, True, "guess")


def test_of_a_long_search_the_best_are_kept_and_every_candidate_of_a_lane() -> None:
    search = (_evaluation(n, EMBEDDED, DiscardReason.CHECKS_RED) for n in range(200))
    last = _evaluation(200, reason=DiscardReason.TIMEOUT)
    ending = ending_of(_run(*search, last))
    assert len(ending.candidates) == 51
    assert ending.candidates[-1].provider == LANE
    assert ending.details["tried_count"] == 201


def _all_of(ending: Ending) -> str:
    return json.dumps(astuple(ending), default=dict)


def test_no_secret_is_kept() -> None:
    lost = _evaluation(0, reason=DiscardReason.SECRET, diff="+key = 'unlike-any-known-shape'")
    red = replace(RED, output=f"fatal: {TOKEN} is no good, nor is planted-key-9")
    run = _run(_evaluation(1, diff=DIFF.replace("+b", f"+token = '{TOKEN}' # planted-key-9")), lost)
    run = replace(run, baseline=Baseline((red,)), notes=(f"note {TOKEN}",), summary=f"with {TOKEN}")
    kept = _all_of(ending_of(run, keys=("planted-key-9",)))
    assert TOKEN not in kept and "planted-key-9" not in kept and "unlike-any-known-shape" not in kept
    assert kept.count("[redacted: GitHub token]") == 5
    assert "planted-key-9" in _all_of(ending_of(run))  # a key of no known shape is found only if it is told


def test_texts_are_bounded_and_can_be_stored() -> None:
    lost = _evaluation(1, reason=DiscardReason.INVALID_DIFF, diff="x" * 300_000 + "\ud800")
    ending = ending_of(_run(_evaluation(0, diff=DIFF.replace("+b", "+" + "x" * 300_000)), lost))
    assert len(ending.diff) < 200_100 and "more characters" in ending.diff
    for candidate in ending.candidates:
        assert len(candidate.diff) < 200_100
        candidate.diff.encode()
