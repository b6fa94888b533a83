"""Believe a winner only when further looks agree: the untouched tree is red again, the winner green again, and
each check of it still notices a failure that is planted.

Run in fresh processes with the real commands. A test that is red half of the time passes one look easily; each
further look at both trees halves the chance twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

from llm.checks.baseline import side_by_side
from llm.checks.command import parse
from llm.checks.compare import compare, less_executed
from llm.domain import CheckResult, DiscardReason, Evaluation, Selection
from llm.errors import DiffError
from llm.rerank.control import Heard, Tree, control, same
from llm.rerank.examine import Examiner
from llm.rerank.select import select
from llm.workspace.snapshot import fingerprint
from llm.workspace.tampering import is_test

_LOOKS = 3
_QUICK_S = 6.0
_ATTEMPTS = 3

_Look = Callable[[Event], Heard]


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed in the end: the selection, why its winner is not proven after all, what else to tell."""

    selection: Selection
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Why a winner cheats ("" where it does not), why it is in doubt, and what else to tell of it."""

    tampering: str = ""
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def believe(evaluations: Sequence[Evaluation], examiner: Examiner) -> Belief:
    """Select and confirm. A winner that cheats is out as `tampering`, and the next one is looked at.

    Raises SandboxError.
    """
    while True:
        selection = select(evaluations)
        winner = selection.winner
        if winner is None:
            return Belief(selection)
        found = confirm(winner, examiner)
        if not found.tampering:
            return Belief(selection, found.doubts, found.notes)
        out = replace(winner, reason=DiscardReason.TAMPERING, detail=found.tampering)
        evaluations = [out if each is winner else each for each in evaluations]


def confirm(winner: Evaluation, examiner: Examiner) -> Confirmation:
    """Look again at the untouched tree and at the winner's, and have each of its checks notice a failure.

    The workspace is live: if it moved while this looked, it looks again at the tree as it is now.
    """
    for _ in range(_ATTEMPTS):
        before = fingerprint(examiner.workspace)
        try:
            found = _look(winner, examiner)
        except DiffError as error:
            return Confirmation(doubts=(f"the workspace changed and the diff no longer applies: {error}",))
        if fingerprint(examiner.workspace) == before:
            return found
    return Confirmation(doubts=("the workspace kept changing while the winner was confirmed",))


def looks(results: Sequence[CheckResult]) -> int:
    """How many more looks: three where the checks are quick, one where they are slow."""
    return max(1, min(_LOOKS, int(_QUICK_S / max(0.01, sum(r.duration_s for r in results)))))


def _look(winner: Evaluation, examiner: Examiner) -> Confirmation:
    diff = winner.candidate.diff
    files, executable = examiner.changed_files(diff), examiner.executables(diff)
    before = {result.check.name: Tree({}, frozenset(), result) for result in examiner.baseline.results}
    after = [Tree(files, executable, result) for result in winner.results]
    count = looks(winner.results)
    as_they_were = {path: content for path, content in files.items() if not is_test(path)}
    mended = [
        Tree(as_they_were, executable, r) for r in winner.results if r.tests and len(as_they_were) < len(files)
    ]
    tasks: list[_Look] = [
        *(partial(control, before[tree.result.check.name], tree, examiner) for tree in after),
        *(partial(same, tree, examiner) for tree in after for _ in range(count - _is_a_look(tree.result))),
        *(partial(_still_green, before[tree.result.check.name], tree, examiner) for tree in mended),
        *(partial(same, before[red.check.name], examiner) for red in examiner.baseline.red for _ in range(count)),
    ]
    heard = side_by_side(partial(_unless, Event()), tasks)
    return Confirmation(
        tampering="; ".join(each.tampering for each in heard if each.tampering),
        doubts=tuple(sorted({doubt for each in heard for doubt in each.doubts})),
        notes=(
            *(each.note for each in heard if each.note),
            *less_executed(examiner.baseline.results, winner.results),
        ),
    )


def _still_green(untouched: Tree, changed: Tree, examiner: Examiner, stop: Event) -> Heard:
    """Whether all that was green before is green with the tests as they were, where a winner mended some."""
    now = examiner.run(changed.result.check, changed.files, stop, changed.executable)
    difference = compare([untouched.result], [now])
    lost = (*difference.newly_failing, *difference.missing)
    return Heard(doubts=tuple(f"{item}, with the tests as they were" for item in lost))


def _unless(over: Event, look: _Look, stop: Event) -> Heard:
    """A look, unless another one has found that the winner cheats."""
    if over.is_set():
        return Heard()
    heard = look(stop)
    if heard.tampering:
        over.set()
    return heard


def _is_a_look(result: CheckResult) -> bool:
    """Whether the control says all that a look does: where several commands run, the first to fail may end it."""
    return parse(result.check.command) is not None
