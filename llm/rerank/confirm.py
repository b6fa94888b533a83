"""Believe a winner only when a second look agrees: the untouched tree is red again, the winner green again.

Run in fresh processes with the real commands. A test that is red half of the time passes one look easily; each
further look at both trees halves the chance twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from llm.checks.baseline import side_by_side
from llm.checks.compare import flaky
from llm.domain import CheckResult, Evaluation
from llm.errors import DiffError
from llm.rerank.examine import Examiner, Files
from llm.workspace.snapshot import fingerprint

_LOOKS = 3
_QUICK_S = 6.0
_ATTEMPTS = 3


def confirm(winner: Evaluation, examiner: Examiner) -> tuple[str, ...]:
    """Why the winner is not proven after all, empty when it is.

    The workspace is live: if it moved while this looked, it looks again at the tree as it is now.
    """
    for _ in range(_ATTEMPTS):
        before = fingerprint(examiner.workspace)
        try:
            doubts = _look(winner, examiner, examiner.changed_files(winner.candidate.diff))
        except DiffError as error:
            return (f"the workspace changed and the diff no longer applies: {error}",)
        if fingerprint(examiner.workspace) == before:
            return doubts
    return ("the workspace kept changing while the winner was confirmed",)


def looks(results: Sequence[CheckResult]) -> int:
    """How many more looks: three where the checks are quick, one where they are slow."""
    return max(1, min(_LOOKS, int(_QUICK_S / max(0.01, sum(r.duration_s for r in results)))))


def _look(winner: Evaluation, examiner: Examiner, files: Files) -> tuple[str, ...]:
    red, fixed = examiner.baseline.red, winner.results
    tasks: list[tuple[CheckResult, Files]] = [(r, {}) for r in red] + [(r, files) for r in fixed]

    def differing(task: tuple[CheckResult, Files], stop: Event) -> tuple[str, ...]:
        known, changed = task
        now = examiner.run(known.check, changed, stop)
        if now.killed and not known.killed:
            return (f"a second look at {known.check.name} was ended ({now.killed})",)
        return flaky([known], [now])

    found = side_by_side(differing, tasks * looks(fixed))
    return tuple(sorted({item for items in found for item in items}))
