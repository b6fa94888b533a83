"""n-best by execution: give it a workspace and candidates, get back which one the workspace's checks prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from llm.budget import Budget
from llm.checks.baseline import reproduce, width
from llm.checks.discover import discover
from llm.checks.run import run_check
from llm.domain import Baseline, Candidate, Evaluation
from llm.errors import InputError
from llm.rerank.confirm import confirm
from llm.rerank.examine import Examiner
from llm.rerank.race import Race
from llm.rerank.select import select
from llm.sandbox import open_sandbox
from llm.workspace.rules import Rules
from llm.workspace.snapshot import open_workspace

Proposal = Candidate | str | Mapping[str, Any]


class ExecutionReranker:
    """Executes candidates against a workspace's checks, as many at once as there are cores.

    `checks` are shell lines; without them the workspace's own are discovered. `deadline_s` bounds the whole run.
    """

    def __init__(
        self, checks: Sequence[str] = (), rules: Rules | None = None, deadline_s: float | None = None
    ) -> None:
        if isinstance(checks, str):
            raise InputError("checks", "expected a list of commands, got one text")
        self._checks = tuple(checks)
        self._rules = rules or Rules()
        self._deadline_s = deadline_s

    def run(self, workspace: Path | str, candidates: Sequence[Proposal], k: int | None = None) -> dict[str, Any]:
        """Evaluate the first `k` candidates (all, without `k`) and select.

        A candidate is a `Candidate`, a unified diff, or a mapping with `diff` and optionally `provider`. Returns
        `selected_index` (into `candidates`; None when none is proven), `winner`, `candidates` (the verdicts in
        the given order), `discard_reasons` (index → reason), `ranking` (indices, best first), `why`, `doubts`.
        Raises InputError for a workspace or candidate that cannot be read, SandboxError without a sandbox.
        """
        if isinstance(candidates, str):
            raise InputError("candidates", "expected a list of candidates, got one text")
        if k is not None and k < 1:
            raise InputError("k", f"expected at least 1, got {k}")
        proposals = [as_candidate(c, f"candidates[{i}]") for i, c in enumerate(candidates)][:k]
        budget = Budget(search_s=0, deadline_s=self._deadline_s)
        place = open_workspace(Path(workspace))
        with open_sandbox(place) as sandbox:
            checks = discover(place, self._checks)
            baseline = reproduce(
                checks, lambda c, stop: run_check(c, sandbox, place, cancel=stop, limits=budget.limits())
            )
            examiner = Examiner(place, sandbox, baseline, self._rules, budget)
            evaluations = self._race(examiner, proposals, budget) if baseline.red else []
            return _result(evaluations, baseline, examiner)

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


def _result(evaluations: Sequence[Evaluation], baseline: Baseline, examiner: Examiner) -> dict[str, Any]:
    selection = select(evaluations)
    doubts = baseline.flaky or (confirm(selection.winner, examiner) if selection.winner else ())
    unseen = tuple(f"{r.check.name}: {r.not_run}" for r in baseline.not_run)
    winner = None if doubts or unseen else selection.winner
    return {
        "selected_index": winner.index if winner else None,
        "winner": _verdict(winner) if winner else None,
        "candidates": [_verdict(e) for e in sorted(evaluations, key=lambda e: e.index)],
        "discard_reasons": {e.index: e.reason.value for e in evaluations if e.reason},
        "ranking": [e.index for e in selection.ranking],
        "why": selection.why if baseline.red else "nothing was red" if baseline.green else "no check could be run",
        "doubts": [*doubts, *unseen],
    }


def _verdict(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "index": evaluation.index,
        "provider": evaluation.candidate.provider,
        "diff": evaluation.candidate.diff,
        "passed": evaluation.passed,
        "reason": evaluation.reason.value if evaluation.reason else None,
        "detail": evaluation.detail,
        "fail_to_pass": list(evaluation.fail_to_pass),
        "newly_failing": list(evaluation.newly_failing),
        "diff_size": evaluation.diff_size,
        "ttg_ms": evaluation.ttg_ms,
    }
