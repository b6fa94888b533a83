"""n-best by execution: give it a workspace and candidates, get back which one the workspace's checks prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.checks.baseline import reproduce, width
from llm.checks.discover import discover
from llm.checks.programs import named_installations
from llm.checks.run import run_check
from llm.domain import Baseline, Candidate, Evaluation, Isolation
from llm.errors import InputError
from llm.report.contract import evaluation_as_json
from llm.rerank.confirm import Belief, believe
from llm.rerank.examine import Examiner
from llm.rerank.race import Race
from llm.rerank.select import why_ambiguous
from llm.sandbox import open_sandbox
from llm.workspace.rules import Rules
from llm.workspace.snapshot import open_workspace

Proposal = Candidate | str | Mapping[str, Any]


class ExecutionReranker:
    """Executes candidates against a workspace's checks, as many at once as there are cores.

    `checks` are shell lines; without them the workspace's own are discovered. `deadline_s` bounds the whole run,
    `compare_s` the comparison of what passed on inputs beyond the tests' (None: 5 to 20 s, by how long these
    take). `isolation` is the least that is accepted: `strong`, `full` or `reduced`.
    """

    def __init__(
        self,
        checks: Sequence[str] = (),
        rules: Rules | None = None,
        deadline_s: float | None = None,
        compare_s: float | None = None,
        isolation: str = Isolation.FULL,
    ) -> None:
        if isinstance(checks, str):
            raise InputError("checks", "expected a list of commands, got one text")
        self._checks = tuple(checks)
        self._rules = rules or Rules()
        self._deadline_s = deadline_s
        self._compare_s = compare_s
        if isolation not in (levels := [level for level in Isolation if level is not Isolation.NONE]):
            raise InputError("isolation", f"expected one of {', '.join(levels)}, got {isolation!r}")
        self._isolation = Isolation(isolation)

    def run(self, workspace: Path | str, candidates: Sequence[Proposal], k: int | None = None) -> dict[str, Any]:
        """Evaluate the first `k` candidates (all, without `k`) and select.

        A candidate is a `Candidate`, a unified diff, or a mapping with `diff` and optionally `provider`. Returns
        `selected_index` (into `candidates`; None when none is proven), `winner`, `candidates` (the verdicts in
        the given order), `discard_reasons` (index → reason), `ranking` (indices, best first), `why`, `doubts`,
        `notes`.
        Raises InputError for a workspace or candidate that cannot be read, SandboxError without a sandbox.
        """
        if isinstance(candidates, str):
            raise InputError("candidates", "expected a list of candidates, got one text")
        if k is not None and k < 1:
            raise InputError("k", f"expected at least 1, got {k}")
        proposals = [as_candidate(c, f"candidates[{i}]") for i, c in enumerate(candidates)][:k]
        budget = Budget(search_s=0, deadline_s=self._deadline_s)
        place = open_workspace(Path(workspace))
        with open_sandbox(place, named_installations(self._checks), self._isolation) as sandbox:
            checks = discover(place, self._checks)
            baseline = reproduce(
                checks, lambda c, stop: run_check(c, sandbox, place, cancel=stop, limits=budget.limits())
            )
            examiner = Examiner(place, sandbox, baseline, self._rules, budget)
            evaluations = self._race(examiner, proposals, budget) if baseline.red else []
            judged = (
                gate(evaluations, examiner, budget.remaining_s(), budget_s=self._compare_s) if evaluations else ()
            )
            return _result(believe(judged, examiner), baseline)

    def _race(self, examiner: Examiner, proposals: list[Candidate], budget: Budget) -> list[Evaluation]:
        """Every candidate gets its verdict: the caller asked for a ranking, so nothing is left out for speed."""
        return Race(examiner.examine, width()).run(iter(proposals), _Never(), budget.deadline)


class _Never(Event):
    """Enough is never enough: a pass does not stop the drawing."""

    def is_set(self) -> bool:
        return False


def as_candidate(proposal: Proposal, field: str = "candidate") -> Candidate:
    """A proposal as a Candidate. Raises InputError naming `field`."""
    if isinstance(proposal, Candidate):
        return proposal
    if isinstance(proposal, str):
        return Candidate(diff=proposal, provider="", origin="given")
    diff = proposal.get("diff") if isinstance(proposal, Mapping) else None
    if not isinstance(diff, str):
        raise InputError(f"{field}.diff", "expected a unified diff")
    return Candidate(diff=diff, provider=str(proposal.get("provider", "")), origin="given")


def _result(belief: Belief, baseline: Baseline) -> dict[str, Any]:
    selection = belief.selection
    doubts = (*(baseline.flaky or belief.doubts), *_unseen(baseline), *filter(None, [why_ambiguous(selection)]))
    winner = None if doubts else selection.winner
    ranking = selection.ranking
    return {
        "selected_index": winner.index if winner else None,
        "winner": _verdict(winner) if winner else None,
        "candidates": [_verdict(e) for e in sorted(ranking, key=lambda e: e.index)],
        "discard_reasons": {e.index: e.reason.value for e in ranking if e.reason},
        "ranking": [e.index for e in ranking],
        "why": selection.why if baseline.red else "nothing was red" if baseline.green else "no check could be run",
        "doubts": list(doubts),
        "notes": list(belief.notes),
    }


def _unseen(baseline: Baseline) -> tuple[str, ...]:
    return tuple(f"{r.check.name}: {r.not_run}" for r in baseline.not_run)


def _verdict(evaluation: Evaluation) -> dict[str, Any]:
    """As in the report of a run, with the diff, and the repaired items by name."""
    repaired = list(evaluation.fail_to_pass)
    return {**evaluation_as_json(evaluation), "diff": evaluation.candidate.diff, "fail_to_pass": repaired}
