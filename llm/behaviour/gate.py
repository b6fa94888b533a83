"""Gate PATCH on behaviour: what passes the tests is compared on inputs that the tests do not have.

Candidates that behave alike get one key; those that only special-case the tests' inputs are `overfit`. Where
nothing can be measured the verdicts stay as they are, and the reason is told.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llm.behaviour import javascript
from llm.behaviour.changed import (
    Texts,
    adds_a_case,
    adds_constants,
    adds_rows,
    classes,
    constants_in,
    rows_in,
    watched,
    without,
)
from llm.behaviour.measure import Measured, Question, measure
from llm.behaviour.surroundings import senses
from llm.behaviour.verdict import Nature, clusters, distinguishing, overfit, with_others
from llm.checks.python import Launch, launch_of
from llm.domain import CheckResult, DiscardReason, Evaluation
from llm.errors import DiffError
from llm.rerank.examine import Examiner
from llm.rerank.select import merit
from llm.triage.clean import strip_control

_LEAST_S, _MOST_S = 5.0, 20.0
"""Wall time of the whole gate, unless the caller says how much."""
_RUNS = 6
"""It runs the tests for the original and two candidates, and each version answers: as long as so many runs."""
_MOST = 15

Tell = Callable[[str], None]


def gate(
    evaluations: Sequence[Evaluation],
    examiner: Examiner,
    remaining_s: float,
    tell: Tell = lambda _: None,
    budget_s: float | None = None,
) -> tuple[Evaluation, ...]:
    """The evaluations with `behaviour`, `distinguishing`, `recites` and, of one that is overfit, the reason.

    The best fifteen of those that passed are compared, whoever made them, within `budget_s` (None: 5 to 20 s, by
    how long the tests take) or what is left; where all of them are overfit, the next.
    `tell` hears in one line what was found, or why nothing could be measured. Raises SandboxError.
    """
    evaluations = [replace(e, behaviour="", distinguishing="", recites="") for e in evaluations]
    waiting = sorted((e for e in evaluations if e.passed), key=merit)
    budget_s = _usual_s(examiner) if budget_s is None else budget_s
    began = time.monotonic()
    while waiting:
        best, waiting = waiting[:_MOST], waiting[_MOST:]
        spent = time.monotonic() - began
        told = {e.index: e for e in _gated(best, examiner, budget_s - spent, remaining_s - spent, tell)}
        evaluations = [told.get(e.index, e) for e in evaluations]
        if any(e.passed for e in told.values()):
            break
    return tuple(evaluations)


def _usual_s(examiner: Examiner) -> float:
    """More for slow tests, or tests on a slow machine: what cannot be compared in time is advice at best."""
    results = (*examiner.baseline.red, *examiner.baseline.green)
    slowest = max((result.duration_s for result in results if result.tests), default=0.0)
    return min(max(_LEAST_S, _RUNS * slowest), _MOST_S)


def _gated(
    best: Sequence[Evaluation], examiner: Examiner, budget_s: float, remaining_s: float, tell: Tell
) -> list[Evaluation]:
    """These candidates, compared with each other."""
    try:
        passing, before, changes = _texts(best, examiner)
    except DiffError as error:
        tell(f"behaviour: not measured (the workspace changed: {error})")
        return list(best)
    asked = _tests(examiner)
    passing = _with_recited(passing, before, changes, asked)
    measured, natures = _compared(before, changes, asked, examiner, budget_s, remaining_s)
    if measured is None:
        return passing
    if measured.why_not:
        tell(f"behaviour: not measured ({measured.why_not})")
        return passing
    judged = _judged(passing, measured, natures)
    tell(_summary(judged, measured))
    return judged


def _texts(best: Sequence[Evaluation], examiner: Examiner) -> tuple[list[Evaluation], Texts, list[Texts]]:
    """The candidates that change nothing but text, the original of all those files, and each one's. DiffError."""
    passing: list[Evaluation] = []
    changes: list[Texts] = []
    before: dict[str, str | None] = {}
    for evaluation in best:
        files = examiner.changed_files(evaluation.candidate.diff)
        try:
            change = {path: None if data is None else data.decode() for path, data in files.items()}
            before |= {path: _original(examiner.workspace / path) for path in files}
        except UnicodeDecodeError:
            continue
        passing.append(evaluation)
        changes.append(change)
    return passing, before, changes


def _with_recited(
    passing: list[Evaluation], before: Texts, changes: Sequence[Texts], asked: Sequence[str]
) -> list[Evaluation]:
    """With the row that it adds to a table and a test has just so: what the table lacked, or learnt by heart."""
    added = [adds_rows(before, change) for change in changes]
    if not any(added):
        return passing
    theirs = rows_in(asked)
    return [replace(e, recites=min(rows & theirs, default="")) for e, rows in zip(passing, added, strict=True)]


def _original(file: Path) -> str | None:
    return file.read_bytes().decode() if file.is_file() else None


def _compared(
    before: Texts,
    changes: Sequence[Texts],
    asked: Sequence[str],
    examiner: Examiner,
    budget_s: float,
    remaining_s: float,
) -> tuple[Measured | None, Sequence[Nature]]:
    """What the versions do and the nature of each change; None where no function of a known language changed."""
    names = watched(before, changes)
    if names:
        known = classes(before)
        quoted = constants_in(asked)
        natures = [_nature(before, change, known, quoted, asked) for change in changes]
        others = [without(before, change, quoted) for change in changes]
        versions = [before, *changes, *(each for each in others if each is not None)]
        measured = _measured(versions, len(changes), names, examiner, min(budget_s, remaining_s))
        return with_others(measured, natures)
    if javascript.concerns(before):
        seconds = min(javascript.STARTS * budget_s, remaining_s)
        return javascript.compared([before, *changes], examiner, seconds)
    return None, ()


def _nature(
    before: Texts, change: Texts, known: frozenset[str], quoted: frozenset[str], asked: Sequence[str]
) -> Nature:
    new = adds_constants(before, change)
    return Nature(adds_a_case(before, change), new, known, new & quoted, senses=senses(before, change, asked))


def _tests(examiner: Examiner) -> list[str]:
    """The texts of the tests of the check that is asked."""
    run = _runnable(examiner)
    places = _judge(run[1], examiner.workspace) if run else ()
    return [(examiner.workspace / place).read_text("utf-8", "replace") for place in places]


def _measured(
    versions: Sequence[Texts],
    passing: int,
    names: Mapping[str, tuple[str, ...]],
    examiner: Examiner,
    seconds: float,
) -> Measured:
    if seconds <= 0:
        return Measured("no time is left")
    run = _runnable(examiner)
    if run is None:
        return Measured("no pytest or unittest check can be started")
    question = Question(*run, versions, names, _judge(run[1], examiner.workspace), passing)
    return measure(question, examiner.sandbox, str(examiner.workspace), seconds)


def _runnable(examiner: Examiner) -> tuple[Launch, CheckResult] | None:
    """The Python test check that tells most: a red one before a green one."""
    for result in (*examiner.baseline.red, *examiner.baseline.green):
        if result.check.tool in ("pytest", "unittest") and result.tests:
            launch = launch_of(result.check, examiner.sandbox)
            if launch is not None:
                return launch, result
    return None


def _judge(result: CheckResult, workspace: Path) -> tuple[str, ...]:
    """The files of the tests, by their ids: a path before `::`, or a dotted name that begins with a module."""
    names: set[str] = set()
    for test in result.tests or ():
        parts = test.id.split(".")
        dotted = ("/".join(parts[:n]) + ".py" for n in range(1, len(parts)))
        names.update([test.id.split("::")[0]] if "::" in test.id else dotted)
    told = {f"{folder}/{name}" for name in names for folder in (".", result.check.directory)}
    places = (place for place in map(os.path.normpath, told) if not place.startswith("../"))  # ids are the check's
    return tuple(sorted(place for place in places if (workspace / place).is_file()))


def _judged(passing: Sequence[Evaluation], measured: Measured, natures: Sequence[Nature]) -> list[Evaluation]:
    judged = []
    for version, (evaluation, nature) in enumerate(zip(passing, natures, strict=True), 1):
        why = strip_control(overfit(measured, version, nature))
        judged.append(replace(evaluation, reason=DiscardReason.OVERFIT, detail=why) if why else evaluation)
    numbers = clusters(measured)
    keys = ["" if number is None else f"alike-{number}" for number in numbers]
    told = [replace(e, behaviour=key) for e, key in zip(judged, keys, strict=True)]
    return [replace(e, distinguishing=_difference(told, n, measured)) for n, e in enumerate(told)]


def _difference(judged: Sequence[Evaluation], place: int, measured: Measured) -> str:
    """The call that tells a candidate from the best other one that passed and behaves differently, in words."""
    mine = judged[place]
    for n, other in enumerate(judged):
        if mine.passed and other.passed and mine.behaviour and other.behaviour not in ("", mine.behaviour):
            found = distinguishing(measured, place + 1, n + 1)
            if found:
                call, this, that = found
                whose = f"candidate {other.index} ({other.candidate.origin})"
                return strip_control(f"{call}: candidate {mine.index} {this}; {whose} {that}")
    return ""


def _summary(judged: Sequence[Evaluation], measured: Measured) -> str:
    groups = len({e.behaviour for e in judged if e.passed and e.behaviour})
    out = sum(not e.passed for e in judged)
    made = sum(not each.literal for each in measured.inputs)
    lost = f" ({measured.unkept} calls could not be copied, {measured.unmade} inputs not be made)"
    told = f"behaviour: {len(judged)} compared on {made} inputs beyond the tests': {groups} kinds, {out} overfit"
    return told + lost * bool(measured.unkept or measured.unmade)
