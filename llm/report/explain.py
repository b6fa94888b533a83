"""Why this patch: which statements it changes and how it came about, and what spoke for it among the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from llm.domain import Evaluation, Run
from llm.workspace.diff import Hunk, parse

_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Place:
    """One place that a patch changes: its first changed line, counted in the original, and the lines of both."""

    path: str
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The winner in figures. `made_by` names the fixer or lane and its kind of edit.

    `others_passed` counts the other candidates whose checks are green; `compared` those whose behaviour was
    measured, `alike` those that behave like the winner, `kinds` the different behaviours among all that passed.
    `overfit` counts candidates that passed the tests and only special-case them. `distinguishing` is a call on
    which one of the others does otherwise.
    """

    made_by: str
    places: tuple[Place, ...]
    others_passed: int
    compared: int
    alike: int
    kinds: int
    overfit: int
    distinguishing: str


def explain(run: Run) -> Explanation | None:
    """The explanation of a run's winner; None where nothing passed."""
    winner = run.selection.winner
    if winner is None:
        return None
    others = [e for e in run.selection.ranking if e.passed and e.index != winner.index]
    measured = [e for e in others if e.behaviour]
    return Explanation(
        made_by=winner.candidate.origin or winner.candidate.provider,
        places=tuple(_places(winner)),
        others_passed=len(others),
        compared=len(measured),
        alike=sum(e.behaviour == winner.behaviour for e in measured),
        kinds=len({e.behaviour for e in (winner, *others) if e.behaviour}),
        overfit=sum(e.reason is not None and e.reason.value == "overfit" for e in run.selection.ranking),
        distinguishing=winner.distinguishing,
    )


def explanation_as_json(run: Run) -> dict[str, object] | None:
    """The explanation in plain JSON values."""
    explanation = explain(run)
    return None if explanation is None else asdict(explanation)


def explanation_as_text(run: Run) -> str:
    """The explanation for a person; "" where there is none."""
    found = explain(run)
    if found is None:
        return ""
    lines = [f"Why this patch: {found.made_by}"]
    for place in found.places:
        lines.append(f"  {place.path}:{place.line}")
        lines += [f"    - {text}" for text in place.before] + [f"    + {text}" for text in place.after]
    lines.append(f"  {_company(found)}")
    if found.distinguishing:
        lines.append(f"  told apart by {found.distinguishing}")
    return "\n".join(lines)


def _company(found: Explanation) -> str:
    others = f"{found.others_passed} other{'s' * (found.others_passed != 1)} passed the checks"
    if found.compared:
        others += f"; of {found.compared} compared beyond the tests {found.alike} behave the same"
        others += f" ({found.kinds} kind{'s' * (found.kinds != 1)} in all)"
    return others + (f"; {found.overfit} only special-cased the tests" if found.overfit else "")


def _places(winner: Evaluation) -> list[Place]:
    return [
        Place(file.paths[-1], *_changed(hunk))
        for file in parse(winner.candidate.diff).files
        for hunk in file.hunks
    ]


def _changed(hunk: Hunk) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    above = next((n for n, line in enumerate(hunk.lines) if line[0] in "+-"), 0)
    before, after = (tuple(text.rstrip("\r\n") for text in hunk.side(tag)[:_MOST_LINES]) for tag in "-+")
    return hunk.old_start + above, before, after
