"""Make candidates and have them executed, source by source, keeping what is progress.

The embedded fixers come first and are free. A candidate that turns some of the red green and nothing red is
kept as a layer, and the fixers look again at what is left: a repository that is red in three places is turned
green in three steps, and the sum is judged as one candidate against the untouched tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from llm import plugins
from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.checks.baseline import width
from llm.checks.compare import INSIDE
from llm.domain import Candidate, CheckResult, Diagnostic, Evaluation, Isolation
from llm.errors import TorreError, UnwritableError
from llm.fixers.base import Fixer, RedState
from llm.ledger.record import Record
from llm.rerank.examine import Examiner, Files, Layer
from llm.rerank.race import Race
from llm.sandbox.base import Completed, Job, Sandbox
from llm.workspace.snapshot import decoded

Numbers = Iterator[int]
"""Gives each candidate of a run its index."""

_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class LayeredSandbox:
    """A sandbox in which every job sees the files of a layer."""

    inner: Sandbox
    layer: Layer

    @property
    def isolation(self) -> Isolation:
        return self.inner.isolation

    @property
    def missing(self) -> tuple[str, ...]:
        return self.inner.missing

    def execute(self, job: Job) -> Completed:
        files = {**self.layer.files, **job.files}
        return self.inner.execute(replace(job, files=files, executable=self.layer.executable | job.executable))

    def find(self, program: str, directory: str = ".") -> str | None:
        return self.inner.find(program, directory)


class Generation:
    """The embedded provider at work on one red tree. `evaluations` grows in the order of the verdicts.

    `red` and `layer` are how far it came: what is still red, and the files changed until then.
    """

    def __init__(
        self, red: RedState, examiner: Examiner, budget: Budget, record: Record, numbers: Numbers
    ) -> None:
        self._first = red
        self.red = red
        self.layer = Layer()
        self.examiner = examiner
        self._budget = budget
        self._record = record
        self._numbers = numbers
        self._lacks: dict[str, str] = {}
        self._stopped = False
        self.evaluations: list[Evaluation] = []

    @property
    def missing_tools(self) -> tuple[str, ...]:
        """What the fixers that were wanted lack here, each with its remedy."""
        return tuple(f"{name}: {lack}" for name, lack in self._lacks.items() if lack)

    def stop(self) -> None:
        """Somebody else proved a fix: this round ends, and there is no other."""
        self._stopped = True
        self.red.cancel.set()

    def run(self) -> tuple[Evaluation, ...]:
        """Round after round until a candidate passes, nothing makes progress, or the time is over.

        What passed is compared beyond the tests, so that lanes are asked where it only special-cases them."""
        if not self.examiner.baseline.red or self._budget.search_s <= 0:
            return ()
        for _ in range(_ROUNDS):
            progress = self._round(self.red, self.layer)
            if progress is None or progress.passed or self._stopped:
                break
            self.layer = self._keep(progress)
            self.red = self._look_again(progress, self.layer)
        agreeing = [replace(e, agreement=self.examiner.agreement(e)) for e in self.evaluations]
        self.evaluations = list(gate(agreeing, self.examiner, self._budget.remaining_s(), self.red.progress))
        return tuple(self.evaluations)

    def _round(self, red: RedState, layer: Layer) -> Evaluation | None:
        """The first fixer that gets further than `layer` ends the round."""
        known = _fixed(self.evaluations, layer)
        for fixer in self._usable(red):
            self._try(fixer, red, layer)
            best = _furthest(self.evaluations, known)
            if best is not None:
                return best
            if self._budget.remaining_s() <= 0:
                return None
        return None

    def _try(self, fixer: Fixer, red: RedState, layer: Layer) -> None:
        """Race one fixer's candidates. One that breaks costs its own candidates only, and is named."""
        try:
            self._race(fixer, red, layer)
        except UnwritableError as error:
            self._record.emit("progress", line=f"{fixer.name}: {error}")
        except TorreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other fixers go on without this one
            self._record.emit("progress", line=f"{fixer.name} failed: {type(error).__name__}: {error}")

    def _usable(self, red: RedState) -> Iterator[Fixer]:
        """The fixers with something to say about this red; whether one's tool is here is asked once a run."""
        for fixer in fixers():
            if fixer.wants(red):
                if fixer.name not in self._lacks:
                    self._lacks[fixer.name] = fixer.missing(red)
                if not self._lacks[fixer.name]:
                    yield fixer

    def _race(self, fixer: Fixer, red: RedState, layer: Layer) -> None:
        self._record.emit("fixer", name=fixer.name)

        def examine(candidate: Candidate, index: int, stop: Event) -> Evaluation:
            self._record.emit("candidate", **named(candidate, index))
            return self.examiner.examine(candidate, index, stop, layer)

        enough = red.cancel
        race = Race(examine, width(), self._numbers)
        race.run(iter(fixer.propose(red)), enough, self._budget.deadline, self._tell)

    def _tell(self, evaluation: Evaluation) -> None:
        self.evaluations.append(evaluation)
        self._record.emit("verdict", **verdict_of(evaluation))

    def _keep(self, progress: Evaluation) -> Layer:
        return self.examiner.kept(progress.candidate)

    def _look_again(self, progress: Evaluation, layer: Layer) -> RedState:
        """What is red once the layer is there: results of the checks it ran, the baseline's for the others."""
        newer = {r.check.name: r for r in progress.results}
        results = tuple(newer.get(r.check.name, r) for r in self._first.baseline)
        return replace(
            self._first,
            files={**self._first.files, **texts(layer.files)},
            baseline=results,
            diagnostics=diagnostics_of(results),
            sandbox=LayeredSandbox(self._first.sandbox, layer),
            cancel=Event(),
        )


def named(candidate: Candidate, index: int) -> dict[str, Any]:
    """Which candidate it is, as the record names it. `attempt` is the number of the lane's attempt that brought
    it, 0 where no lane was asked."""
    attempt = int(candidate.meta.get("attempt", 0))
    return {"index": index, "provider": candidate.provider, "origin": candidate.origin, "attempt": attempt}


def verdict_of(evaluation: Evaluation) -> dict[str, Any]:
    """A verdict as the record keeps it."""
    return {
        **named(evaluation.candidate, evaluation.index),
        "reason": evaluation.reason or "passed",
        "detail": evaluation.detail,
        "ttg_ms": evaluation.ttg_ms,
    }


def fixers() -> tuple[Fixer, ...]:
    """Every fixer, deterministic ones first."""
    found = [plugins.load("fixers", name, "FIXER") for name in plugins.names("fixers") if name != "base"]
    return tuple(sorted(found, key=lambda f: (f.rank, f.name)))


def propose_only(red: RedState, at_most: int = 5) -> tuple[Candidate, ...]:
    """Candidates of the deterministic fixers for a red that no check can reproduce."""
    deterministic = (f for f in fixers() if f.rank < 50 and f.wants(red) and not f.missing(red))
    made = (c for f in deterministic for c in f.propose(red))
    return tuple(c for c, _ in zip(made, range(at_most), strict=False))


def diagnostics_of(results: tuple[CheckResult, ...]) -> tuple[Diagnostic, ...]:
    """All that the checks complain about."""
    return tuple(d for r in results for d in r.diagnostics)


def texts(files: Files) -> Mapping[str, str]:
    """Files as text, as `read_sources` gives them; deleted and undecodable ones are left out."""
    read = {name: decoded(content) for name, content in files.items() if content is not None}
    return {name: text for name, text in read.items() if text is not None}


def _fixed(evaluations: list[Evaluation], layer: Layer) -> frozenset[str]:
    """What the layer has turned green already."""
    kept = (e for e in evaluations if layer.origin and e.candidate.origin == layer.origin)
    return frozenset(item for e in kept for item in e.fail_to_pass)


def _furthest(evaluations: list[Evaluation], known: frozenset[str]) -> Evaluation | None:
    """The evaluation that passed, or else the one that turned most of the red green and broke nothing."""
    for evaluation in evaluations:
        if evaluation.passed:
            return evaluation
    clean = [e for e in evaluations if not _broken(e) and not e.missing and set(e.fail_to_pass) > known]
    return max(clean, key=lambda e: (len(e.fail_to_pass), e.candidate.prior, -e.diff_size), default=None)


def _broken(evaluation: Evaluation) -> tuple[str, ...]:
    """What the candidate made red. Tests of a file that could not even be loaded before were never green."""
    loaded = tuple(f"{item}{inside}" for item in evaluation.fail_to_pass for inside in INSIDE)
    return tuple(item for item in evaluation.newly_failing if not item.startswith(loaded))
