"""Apply a plan: all of it and green, or every byte as it was.

lock → finish what a crash left → refuse what changed → journal → write → check → commit, or roll back
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from llm.apply.change import Intent, intend, refuse_changed, write
from llm.apply.journal import UNFINISHED, Journal, Journals, State
from llm.apply.lock import Lock, hold, refuse_locked
from llm.apply.plan import Plan, plan_of
from llm.apply.proof import disproved, refuse_weak, run_again
from llm.apply.tree import Content, Tree, data_of
from llm.apply.undo import recover, relative, roll_back, rolled_back_unless_committed
from llm.budget import CHECK_TIMEOUT_S
from llm.checks.declared import GIVEN
from llm.checks.programs import named_installations
from llm.domain import Applied, ApplyStatus, CheckResult, Isolation, Run
from llm.errors import ApplyError, TorreError
from llm.providers.policy import ProvidersPolicy
from llm.sandbox import open_sandbox
from llm.sandbox.base import Limits, Sandbox
from llm.workspace import git
from llm.workspace.diff import parse
from llm.workspace.patch import apply, executables
from llm.workspace.paths import hash_of
from llm.workspace.roots import is_served
from llm.workspace.rules import Rules, check_paths, check_rules
from llm.workspace.snapshot import open_workspace, root_of

GREEN, UNCOMMITTED, ROLLED_BACK = 0, 2, 6


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which conditions: the policy's rules, the least isolation, whether to commit, and the seconds that a
    check may take."""

    rules: Rules
    least: Isolation = Isolation.FULL
    commit: bool = False
    check_s: float = CHECK_TIMEOUT_S


def terms_for(root: Path, env: Mapping[str, str], commit: bool = False, accept_reduced: bool = False) -> Terms:
    """What the policy that holds at `root` says. PolicyError."""
    policy = ProvidersPolicy(root, env).policy
    least = Isolation.REDUCED if accept_reduced else Isolation.FULL
    return Terms(policy.rules, min(least, policy.isolation, key=list(Isolation).index), commit)


def begin_apply(workspace: Path, env: Mapping[str, str], commit: bool, accept_reduced: bool) -> Terms:
    """The terms of an apply that a search comes before. ApplyError, PolicyError: what would refuse it later."""
    root = root_of(open_workspace(workspace))
    refuse_locked(root, env)
    return terms_for(root, env, commit, accept_reduced)


def apply_run(run: Run, env: Mapping[str, str], terms: Terms) -> Run:
    """The run with what became of applying it; as it was where it proved nothing.

    A patch that cannot be applied is still an answer: what stands against it is in `applied.reason`."""
    plan = plan_of(run)
    if plan is None:
        return run
    try:
        applied = apply_plan(plan, env, replace(terms, check_s=_left_for_a_check(run)))
    except TorreError as error:
        applied = Applied(ApplyStatus.REFUSED, error.exit_code, reason=str(error))
    return replace(run, applied=applied, exit_code=applied.exit_code)


def apply_plan(plan: Plan, env: Mapping[str, str], terms: Terms) -> Applied:
    """Change the files, run the checks on them, and keep that only if they are green. If not, every byte is as it
    was, the exit code is 6, and the workspace stays locked until `torre unlock`. 2: applied, but not committed, as
    somebody changed one of the files while the checks ran.

    ApplyError, DiffError, LedgerError, SandboxError: nothing was changed, or all of it was restored.
    KeyboardInterrupt: the same, or its note says otherwise; one that comes when all is settled ends nothing.
    """
    refuse_weak(plan.isolation, terms.least)
    workspace = open_workspace(Path(plan.workspace))
    root = root_of(workspace)
    settled = _Settled(plan)
    with (
        settled.whatever_interrupts(),
        hold(root, env, f"applying {plan.trace_id}") as lock,
        Journals(root, env) as journals,
        Tree.open(workspace) as tree,
        open_sandbox(workspace, named_installations(_given(plan)), terms.least) as sandbox,
    ):
        refuse_weak(sandbox.isolation, terms.least)
        recover(root, journals, lock, terms.rules, partial(_refuse_beside, env=env))
        intent = _intent(plan, relative(workspace, root), workspace, tree, terms.rules)
        if terms.commit:
            git.refuse_commit(workspace, intent.manifest.paths)
        _Apply(plan, terms, workspace, tree, sandbox, lock, settled).carry_out(intent, journals)
    return settled.applied()


def _refuse_beside(workspace: Path, env: Mapping[str, str]) -> None:
    """What crashed beside a server's roots is for its own user to finish."""
    if not is_served(workspace.resolve(), env):
        raise ApplyError("an apply beside the server's roots was not finished: run `torre doctor` where it was")


def _given(plan: Plan) -> Iterator[str]:
    return (proof.check.command for proof in plan.proofs if proof.check.source == GIVEN)


def _left_for_a_check(run: Run) -> float:
    """Seconds: what the run's deadline leaves, where it has one."""
    if run.request.deadline_s is None:
        return CHECK_TIMEOUT_S
    return min(CHECK_TIMEOUT_S, max(1.0, run.request.deadline_s - run.duration_s))


@dataclass(slots=True)
class _Settled:
    """How far an apply came: what it can be told from whenever it is interrupted."""

    plan: Plan
    journal: Journal | None = None
    results: tuple[CheckResult, ...] = ()
    wrong: str = ""
    commit: str = ""
    uncommitted: str = ""
    committing: bool = False

    @property
    def status(self) -> ApplyStatus | None:
        """None as long as the files are to be as they were, and nobody has to look at why."""
        state = self.journal.state if self.journal else None
        if state is State.COMMITTED:
            return ApplyStatus.APPLIED
        return ApplyStatus.ROLLED_BACK if state is State.UNDONE and self.wrong else None

    def applied(self) -> Applied:
        """What came of it."""
        assert self.journal is not None
        paths, number = self.journal.manifest.paths, self.journal.number
        if self.status is ApplyStatus.APPLIED:
            code, why = UNCOMMITTED if self.uncommitted else GREEN, self.uncommitted
            return Applied(ApplyStatus.APPLIED, code, paths, why, self.results, number, self.commit)
        return Applied(ApplyStatus.ROLLED_BACK, ROLLED_BACK, paths, self.wrong, self.results, number)

    @contextmanager
    def whatever_interrupts(self) -> Iterator[None]:
        """An interrupt ends the block. Where it comes too late to change what becomes of the files, no more."""
        try:
            yield
        except KeyboardInterrupt as stopped:
            if self.status is None or self.committing:
                stopped.add_note(self._standing())
                raise

    def _standing(self) -> str:
        """How the files are, for whoever interrupted it."""
        if self.status is ApplyStatus.APPLIED:
            return "the fix is applied, but perhaps not committed; `torre undo` takes it back"
        torn = self.journal is not None and self.journal.state in UNFINISHED
        return "not every file is as it was; `torre doctor` mends that" if torn else "nothing was changed"


@dataclass(frozen=True, slots=True)
class _Apply:
    """One apply that nothing stands against."""

    plan: Plan
    terms: Terms
    workspace: Path
    tree: Tree
    sandbox: Sandbox
    lock: Lock
    settled: _Settled

    def carry_out(self, intent: Intent, journals: Journals) -> None:
        """Write, check, and commit the journal or roll back."""
        settled, proofs = self.settled, self.plan.proofs
        settled.journal = journal = journals.begin(intent.manifest, intent.before)
        with rolled_back_unless_committed(journal, self.tree, self.lock):
            for _ in write(journal, self.tree, intent.after):
                pass
            limits = Limits(wall_s=self.terms.check_s)
            settled.results = run_again(proofs, self.sandbox, self.workspace, limits)
            if wrong := disproved(proofs, settled.results):
                settled.wrong = f"on the real files {wrong}; every byte is as it was"
            else:
                journal.enter(State.COMMITTED)
        if settled.wrong:
            self.lock.keep(f"run {self.plan.trace_id} was applied and rolled back: {settled.wrong}")
            journals.tell(journal, ApplyStatus.ROLLED_BACK.value, settled.wrong)
            return
        journals.prune()
        if self.terms.commit:
            self._commit(journal)
        journals.tell(journal, ApplyStatus.APPLIED.value)

    def _commit(self, journal: Journal) -> None:
        """Where git refuses, the files are taken back as well: it is all of it or nothing. An interrupt takes
        nothing back, for the commit may be there. What somebody wrote meanwhile is neither committed nor taken."""
        try:
            refuse_changed(journal, self.tree, "was changed while the checks ran", only_after=True)
        except ApplyError as error:
            self.settled.uncommitted = f"not committed: {error}"
            return
        paths, self.settled.committing = journal.manifest.paths, True
        try:
            self.settled.commit = git.commit(self.workspace, paths, _message(self.plan, paths))
        except Exception:
            roll_back(journal, self.tree, self.lock)
            raise
        self.settled.committing = False
        journal.note_commit(self.settled.commit)


def _intent(plan: Plan, place: str, workspace: Path, tree: Tree, rules: Rules) -> Intent:
    """What the plan does to the files as they are now, which must be as they were when it was proven."""
    patch = parse(plan.diff)
    touched = sorted({path for file in patch.files for path in file.paths})
    check_paths(touched, workspace, rules)
    before = {path: tree.read(path) for path in touched}
    _refuse_changed(plan, before)
    after = apply(patch, workspace, {path: data_of(old) for path, old in before.items()})
    check_rules(patch, after, workspace, rules, frozenset(plan.mendable))
    executable = executables(patch, workspace)
    return intend(tree, before, after, executable, workspace=place, trace_id=plan.trace_id)


def _refuse_changed(plan: Plan, before: Mapping[str, Content | None]) -> None:
    changed = [
        path
        for path, old in before.items()
        if path not in plan.originals or hash_of(data_of(old)) != plan.originals[path]
    ]
    if changed:
        raise ApplyError(f"{', '.join(changed)}: changed since the fix was proven; run `torre fix` again")


def _message(plan: Plan, paths: tuple[str, ...]) -> str:
    what = paths[0] if len(paths) == 1 else f"{len(paths)} files"
    return f"Repair {what}\n\nTorre-Trace: {plan.trace_id}\n"
