"""Candidates for small red workspaces, executed by the real tests and then compared by the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.domain import Baseline, Candidate, Evaluation, Selection
from llm.rerank.examine import Examiner
from llm.rerank.select import select
from llm.workspace.patch import rendered
from llm.workspace.rules import Rules
from tests.fixers.red_python import PYTEST, red_python


@dataclass(frozen=True)
class Gated:
    """What the gate made of the candidates, in their order, what it said, and what would be selected."""

    evaluations: tuple[Evaluation, ...]
    said: tuple[str, ...]
    selection: Selection

    @property
    def reasons(self) -> list[str]:
        return [e.reason.value if e.reason else "passed" for e in self.evaluations]

    @property
    def kinds(self) -> int:
        return len({e.behaviour for e in self.evaluations})


Change = str | Mapping[str, str]
Gate = Callable[..., Gated]


@pytest.fixture
def gated(tmp_path: Path) -> Gate:
    """`gated(app, tests, *changes)`: `app.py` and its tests, and one candidate a changed text of `app.py`."""

    def run(app: str, tests: str, *changes: Change, command: str = PYTEST, seconds: float | None = 20.0) -> Gated:
        with red_python(tmp_path, {"app.py": app, "test_app.py": tests}, command) as red:
            baseline = Baseline((red.state().baseline[0],))
            examiner = Examiner(red.workspace, red.sandbox, baseline, Rules(), Budget(30.0))
            made = [_candidate(change, red.workspace) for change in changes]
            executed = [examiner.examine(each, n, Event()) for n, each in enumerate(made)]
            assert [e.detail for e in executed if not e.passed] == [], "every candidate passes the tests"
            said: list[str] = []
            judged = gate(executed, examiner, 20.0 if seconds is None else seconds, said.append, budget_s=seconds)
        return Gated(judged, tuple(said), select(judged))

    return run


def _candidate(change: Change, workspace: Path) -> Candidate:
    texts: Mapping[str, str] = {"app.py": change} if isinstance(change, str) else change
    return Candidate(rendered({path: text.encode() for path, text in texts.items()}, workspace))


def edits(text: str, old: str, news: Sequence[str]) -> list[str]:
    """The text with `old` replaced by each of `news`."""
    assert text.count(old) == 1
    return [text.replace(old, new) for new in news]
