"""A small red workspace with its real baseline in a real sandbox, and candidates judged as a run judges them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.checks.baseline import reproduce
from llm.checks.discover import discover
from llm.checks.run import run_check
from llm.domain import Baseline, Candidate
from llm.rerank.confirm import believe
from llm.rerank.examine import Examiner
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Sandbox
from llm.workspace.diff import make_diff
from llm.workspace.rules import Rules
from tests.workspace_python import PREFIX

NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"

_COMPARE_S = 30.0

Change = Mapping[str, str | None]
"""Path → the whole new text; None where the file is deleted."""


@dataclass(frozen=True)
class Project:
    """A red workspace: files, the one command that is its check, and a change of several lines that mends it."""

    check: str
    files: Mapping[str, str]
    mended: Change
    executable: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Verdict:
    """Whether a change would be returned as PATCH, and by what it was stopped if not."""

    patch: bool
    by: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class Court:
    """Judges changes to one project."""

    project: Project
    workspace: Path
    sandbox: Sandbox
    baseline: Baseline

    def judge(self, *changes: Change) -> Verdict:
        """What a run would say if it had these candidates and no other."""
        budget = Budget(0)
        examiner = Examiner(self.workspace, self.sandbox, self.baseline, Rules(), budget)
        diffs = [self.diff(change) for change in changes]
        done = [examiner.examine(Candidate(diff, "openai/gpt-4o"), n, Event()) for n, diff in enumerate(diffs)]
        if not any(each.passed for each in done):
            return Verdict(False, f"{done[0].reason}: {done[0].detail}")
        belief = believe(gate(done, examiner, budget.remaining_s(), budget_s=_COMPARE_S), examiner)
        if belief.selection.winner is None:
            first = min(belief.selection.ranking, key=lambda each: each.index)
            return Verdict(False, f"{first.reason}: {first.detail}", belief.notes)
        return Verdict(not belief.doubts, "; ".join(belief.doubts), belief.notes)

    def diff(self, change: Change) -> str:
        """The change as the unified diff of a candidate."""
        before = {path: self.project.files.get(path) for path in change}
        return make_diff(before, change, self.project.executable)

    def exit_code(self, change: Change) -> int | None:
        """What the check's command ends with on the changed tree, with nobody looking any closer."""
        files = {path: None if text is None else text.encode() for path, text in change.items()}
        command = ("sh", "-c", self.project.check)
        return self.sandbox.execute(Job(command, files=files, executable=self.project.executable)).exit_code


@contextmanager
def court(project: Project, folder: Path) -> Iterator[Court]:
    """The project written to `folder`, its red reproduced."""
    write(project, folder)
    with open_sandbox(folder, binds=(NODE_MODULES, PREFIX)) as sandbox:
        checks = discover(folder, [project.check])
        baseline = reproduce(checks, lambda check, stop: run_check(check, sandbox, folder, cancel=stop))
        assert baseline.red and not baseline.flaky, baseline
        yield Court(project, folder, sandbox, baseline)


def write(project: Project, folder: Path) -> None:
    """The project's files, with this repository's node packages beside them."""
    for path, text in project.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if any(path.endswith((".js", ".ts", ".mjs")) for path in project.files):
        (folder / "node_modules").symlink_to(NODE_MODULES)
