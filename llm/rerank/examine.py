"""Execute one candidate against the workspace's own checks and say what changed, item by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock

from llm.budget import Budget
from llm.checks.compare import Difference, compare
from llm.checks.run import run_check
from llm.domain import Baseline, Candidate, Check, CheckResult, DiscardReason, Evaluation, Stage
from llm.errors import DiffError, UnwritableError
from llm.sandbox.base import Sandbox
from llm.workspace.diff import diff_size, parse
from llm.workspace.normalise import normal_form
from llm.workspace.patch import apply, executables, rendered
from llm.workspace.paths import hash_of, read
from llm.workspace.rules import Rules, check_rules

Files = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Layer:
    """Progress that is kept while more is looked for: files changed so far, which of them are new and executable,
    and what changed them."""

    files: Files = field(default_factory=dict)
    origin: str = ""
    prior: float = 1.0
    executable: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Seen:
    """Results by normal form, so that equal candidates are executed once."""

    lock: Lock = field(default_factory=Lock)
    first: dict[str, int] = field(default_factory=dict)
    agreement: dict[int, int] = field(default_factory=dict)

    def claim(self, form: str, index: int) -> int:
        """The index of the first candidate with this form: `index` itself when it is new."""
        with self.lock:
            owner = self.first.setdefault(form, index)
            self.agreement[owner] = self.agreement.get(owner, 0) + 1
            return owner


class Examiner:
    """Evaluates candidates for one workspace and one baseline. Thread-safe; `examine` never raises for a
    candidate that is bad, it says why.

    `editable_tests` are test files with a style or types complaint of their own, which may be mended."""

    def __init__(
        self,
        workspace: Path,
        sandbox: Sandbox,
        baseline: Baseline,
        rules: Rules,
        budget: Budget,
        editable_tests: frozenset[str] = frozenset(),
    ) -> None:
        self.workspace = workspace
        self.sandbox = sandbox
        self.baseline = baseline
        self._rules = rules
        self._budget = budget
        self._editable_tests = editable_tests
        self._layout_matters = any(r.check.stage is Stage.STYLE for r in baseline.results)
        self._seen = _Seen()
        self._usual_s = {r.check.name: r.duration_s for r in baseline.results if not r.killed}

    def examine(
        self,
        candidate: Candidate,
        index: int,
        stop: Event,
        layer: Layer = Layer(),
        secrets: tuple[str, ...] = (),
    ) -> Evaluation:
        """Apply (on top of `layer`), check the rules, run the red checks and then the green ones.

        `secrets` are what its author was shown placeholders for: no file may gain one.
        """
        verdict = Evaluation(candidate, index, isolation=self.sandbox.isolation)
        try:
            candidate, files = self._apply(candidate, layer, secrets)
        except DiffError as error:
            return self._done(replace(verdict, reason=error.reason, detail=str(error)))
        verdict = replace(verdict, candidate=candidate, diff_size=diff_size(parse(candidate.diff)))
        modes = sorted(self.executables(candidate.diff))
        owner = self._seen.claim(f"{normal_form(files, self._layout_matters)}\0{modes}", index)
        if owner != index:
            detail = f"the same change as candidate {owner}"
            return self._done(replace(verdict, reason=DiscardReason.DUPLICATE, detail=detail, same_as=owner))
        try:
            return self._done(self._execute(verdict, files, stop))
        except UnwritableError as error:
            return self._done(replace(verdict, reason=DiscardReason.INVALID_DIFF, detail=str(error)))

    def agreement(self, evaluation: Evaluation) -> int:
        """How many candidates came to this same change."""
        return self._seen.agreement.get(evaluation.index, 1)

    def run(
        self, check: Check, files: Files, stop: Event | None = None, executable: frozenset[str] = frozenset()
    ) -> CheckResult:
        """One check with these files changed; the new ones among `executable` get the x bit."""
        limits = self._budget.limits(self._usual_s.get(check.name))
        return run_check(check, self.sandbox, self.workspace, files, stop, limits, executable=executable)

    def kept(self, candidate: Candidate) -> Layer:
        """A candidate, as `examine` gave it back, as what further candidates build on. Raises DiffError."""
        files = self.changed_files(candidate.diff)
        return Layer(files, candidate.origin, candidate.prior, self.executables(candidate.diff))

    def executables(self, diff: str) -> frozenset[str]:
        """The files that a diff adds with the x bit. Raises DiffError."""
        return executables(parse(diff), self.workspace)

    def changed_files(self, diff: str, layer: Layer = Layer()) -> Files:
        """The files that a diff leaves changed, on top of `layer`. Raises DiffError."""
        return {**layer.files, **apply(diff, self.workspace, layer.files)}

    def originals(self, files: Files) -> Mapping[str, str | None]:
        """What these files hold now, as SHA-256: what a later apply must still find. Raises DiffError."""
        return {path: hash_of(read(path, self.workspace)) for path in files}

    def _apply(self, candidate: Candidate, layer: Layer, secrets: tuple[str, ...]) -> tuple[Candidate, Files]:
        """The candidate as a clean diff against the untouched workspace, and the files it leaves.

        The rules see the diff as it was given, for what it hides, and as it will be shown.
        """
        rules = replace(self._rules, keys=(*self._rules.keys, *secrets))
        given = parse(candidate.diff)
        files = self.changed_files(candidate.diff, layer)
        check_rules(given, files, self.workspace, rules, self._editable_tests)
        diff = rendered(files, self.workspace, executables(given, self.workspace) | layer.executable)
        candidate = replace(candidate, diff=diff)
        if layer.files:
            origin, prior = f"{layer.origin} + {candidate.origin}", min(layer.prior, candidate.prior)
            candidate = replace(candidate, origin=origin, prior=prior)
            check_rules(parse(diff), files, self.workspace, rules, self._editable_tests)
        return candidate, files

    def _execute(self, verdict: Evaluation, files: Files, stop: Event) -> Evaluation:
        """Red checks first; the green ones only if the red turned green, for they cannot save a candidate."""
        befores: list[CheckResult] = []
        results: list[CheckResult] = []
        executable = self.executables(verdict.candidate.diff)
        for before in (*self.baseline.red, *self.baseline.green):
            if before.green and any(not r.green for r in results):
                break
            befores.append(before)
            results.append(self.run(before.check, files, stop, executable))
        total = compare(befores, results)
        verdict = replace(
            verdict,
            results=tuple(results),
            fail_to_pass=total.fail_to_pass,
            still_failing=total.still_failing,
            newly_failing=total.newly_failing,
            missing=total.missing,
        )
        reason = _reason(results, total)
        return replace(verdict, reason=reason, detail=_detail(reason, results, total))

    def _done(self, verdict: Evaluation) -> Evaluation:
        return replace(verdict, ttg_ms=round(self._budget.elapsed_s() * 1000))


def _reason(results: list[CheckResult], total: Difference) -> DiscardReason | None:
    killed = [r.killed for r in results if r.killed]
    for name in (DiscardReason.CANCELLED, DiscardReason.OOM, DiscardReason.TIMEOUT):
        if name.value in killed:
            return name
    bad = any(not r.green for r in results) or total.newly_failing or total.missing or total.still_failing
    return DiscardReason.CHECKS_RED if bad else None


def _detail(reason: DiscardReason | None, results: list[CheckResult], total: Difference) -> str:
    if reason is None:
        return ""
    red = ", ".join(r.check.name for r in results if not r.green)
    parts = [
        f"red: {red}" if red else "",
        f"{len(total.still_failing)} still failing" if total.still_failing else "",
        f"{len(total.newly_failing)} newly failing" if total.newly_failing else "",
        f"{len(total.missing)} no longer reported" if total.missing else "",
    ]
    return "; ".join(p for p in parts if p)
