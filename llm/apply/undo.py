"""Back to the old bytes: the last apply that stands, what a crash left half done, and a lock that was kept.

A journal's paths go through every path rule again, and a file that somebody changed since is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llm.apply.change import refuse_changed, restore
from llm.apply.journal import UNFINISHED, Journal, Journals, State
from llm.apply.lock import Holder, Lock, hold, standing
from llm.apply.tree import Tree
from llm.errors import ApplyError, DiffError
from llm.ledger.trace_filter import UNDONE
from llm.workspace.rules import Rules, check_paths


@dataclass(frozen=True, slots=True)
class Undone:
    """An apply whose files are what they were before it. `more` counts those that can be taken back after it.
    `commit` is the one that was made of it, "" without: it stays, as history is the user's."""

    number: int
    trace_id: str
    files: tuple[str, ...]
    more: int = 0
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """What was found of an apply whose process is gone: what was taken back, who held the lock, and the journals
    in the workspace that are not this user's."""

    undone: tuple[Undone, ...]
    holder: Holder | None
    foreign: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What a lock said (`reason`, "" where there was none), and what became of an apply that was not finished."""

    reason: str
    undone: tuple[Undone, ...] = ()
    abandoned: tuple[str, ...] = ()


def _anywhere(workspace: Path) -> None:
    """What lies below the root may be written to, wherever it is."""


def undo(
    root: Path,
    env: Mapping[str, str],
    rules: Rules,
    only: str = "",
    allow: Callable[[Path], object] = _anywhere,
) -> Undone:
    """Take back the newest apply that stands; again: the one before it. Checks are not run. `only`:
    where it is of the run of that id, so that whoever saw one does not take back another. `allow` is asked about
    every workspace that would be written to, and raises where that may not be: a root has several.

    ApplyError, with nothing written: there is none, a file was changed since, or the workspace is locked.
    """
    with hold(root, env, "undoing an apply") as lock, Journals(root, env) as journals:
        recover(root, journals, lock, rules, allow)
        applied = [journal for journal in journals.ours() if journal.state is State.COMMITTED]
        if not applied:
            foreign = f" ({', '.join(journals.foreign())} is not this user's)" if journals.foreign() else ""
            raise ApplyError(f"nothing was applied in {root} that could be taken back{foreign}")
        journal = applied[0]
        if only and journal.manifest.trace_id != only:
            raise ApplyError(f"the last apply is of run {journal.manifest.trace_id}: take that back first")
        allow(root / journal.manifest.workspace)
        with _tree(root, journal, rules) as tree:
            refuse_changed(journal, tree, "was changed since; nothing is taken back", only_after=True)
        with _kept_if_torn(lock):
            journal.enter(State.UNDOING)
            return _put_back(root, journals, journal, rules, more=len(applied) - 1)


def recover(
    root: Path, journals: Journals, lock: Lock, rules: Rules, allow: Callable[[Path], object] = _anywhere
) -> tuple[Undone, ...]:
    """Undo what a killed process left: an apply that was not committed, or an undo that was not done. `allow` is
    asked about the workspace of each before the first one is written to.

    ApplyError where that cannot be done; the lock is then kept, with the reason."""
    unfinished = _unfinished(journals)
    for journal in unfinished:
        allow(root / journal.manifest.workspace)
    with _kept_if_torn(lock):
        return tuple(_put_back(root, journals, journal, rules) for journal in unfinished)


def finish(root: Path, env: Mapping[str, str], rules: Rules) -> Finished:
    """Undo what a killed process left half done, and take its lock away. ApplyError where that cannot be done, or
    the workspace is locked; nothing is written where there is nothing to do."""
    found = standing(root, env)
    with Journals(root, env) as journals:
        foreign = journals.foreign()
        if not (found.left_over or _unfinished(journals)):
            return Finished((), None, foreign)
        with hold(root, env, "finishing what was interrupted") as lock:
            return Finished(recover(root, journals, lock, rules), lock.left, foreign)


def unlock(root: Path, env: Mapping[str, str], rules: Rules) -> Unlocked:
    """Take a kept lock away. What was left half done is undone first; where that cannot be, it is given up, and
    its old bytes stay where the journal has them. ApplyError while another process holds the lock."""
    undone, abandoned = [], []
    with hold(root, env, "unlocking", break_kept=True) as lock, Journals(root, env) as journals:
        for journal in _unfinished(journals):
            try:
                undone.append(_put_back(root, journals, journal, rules))
            except (ApplyError, DiffError) as error:
                journal.enter(State.ABANDONED)
                abandoned.append(f"{error}; the old bytes stay in {journal.folder}/before")
        return Unlocked(lock.left.kept if lock.left else "", tuple(undone), tuple(abandoned))


@contextmanager
def rolled_back_unless_committed(journal: Journal, tree: Tree, lock: Lock) -> Iterator[None]:
    """Whatever ends the block before the journal is committed restores every byte of it."""
    try:
        yield
    finally:
        if journal.state is not State.COMMITTED:
            roll_back(journal, tree, lock)


def roll_back(journal: Journal, tree: Tree, lock: Lock) -> None:
    """Every byte as it was before this apply. ApplyError where that cannot be done; the lock is then kept."""
    with _kept_if_torn(lock):
        if journal.state is State.COMMITTED:
            journal.enter(State.UNDOING)
        for _ in restore(journal, tree):
            pass
        journal.enter(State.UNDONE)


def relative(workspace: Path, root: Path) -> str:
    """The workspace as a manifest has it: relative to the root that its journals belong to."""
    return workspace.relative_to(root).as_posix()


def _unfinished(journals: Journals) -> list[Journal]:
    return [journal for journal in journals.ours() if journal.state in UNFINISHED]


def _put_back(root: Path, journals: Journals, journal: Journal, rules: Rules, more: int = 0) -> Undone:
    with _tree(root, journal, rules) as tree:
        for _ in restore(journal, tree):
            pass
    was_applied = journal.state is State.UNDOING
    journal.enter(State.UNDONE)
    if was_applied:
        journals.tell(journal, UNDONE)
    return Undone(journal.number, journal.manifest.trace_id, journal.manifest.paths, more, journal.commit)


@contextmanager
def _tree(root: Path, journal: Journal, rules: Rules) -> Iterator[Tree]:
    """The workspace that the journal is about, if all of its paths may still be touched. DiffError, ApplyError."""
    manifest = journal.manifest
    check_paths(manifest.paths, root / manifest.workspace, rules)
    with Tree.open(root) as whole, whole.below(manifest.workspace) as tree:
        yield tree


@contextmanager
def _kept_if_torn(lock: Lock) -> Iterator[None]:
    """Keep the lock where old bytes could not be put back: nothing may be applied on top of that."""
    try:
        yield
    except (ApplyError, DiffError) as error:
        lock.keep(f"an apply was not finished and cannot be taken back: {error}")
        raise
