"""Small red Python workspaces in a real sandbox, with their real baseline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from threading import Event

from llm.checks.python import failing
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.domain import Candidate, Check, CheckResult
from llm.fixers.base import Fixer, RedState
from llm.sandbox import open_sandbox
from llm.sandbox.base import Sandbox
from llm.workspace.patch import apply
from tests.workspace_python import PYTHON

PYTEST = f"{PYTHON} -m pytest -q"
UNITTEST = f"{PYTHON} -m unittest"
REGISTRY = """IRREGULAR = {}

def irregular(one, many):
    IRREGULAR[one] = many

def plural(word):
    return IRREGULAR.get(word, word + "s")

irregular("child", "children")
irregular("foot", "feet")
"""
REGISTRY_TEST = """import pytest
from app import plural

@pytest.mark.parametrize("one, many", [("foot", "feet"), ("goose", "geese"), ("cat", "cats")])
def test_plural(one, many):
    assert plural(one) == many
"""
"""A table that is made call by call, and lacks a row."""


@dataclass
class Red:
    """A red workspace: what fixers say about it, and whether a candidate really turns it green."""

    workspace: Path
    sandbox: Sandbox
    check: Check
    files: Mapping[str, str]
    said: list[str] = field(default_factory=list)
    seconds: float = 30.0

    def run(self, changed: Mapping[str, bytes | None]) -> CheckResult:
        return run_check(self.check, self.sandbox, self.workspace, changed)

    def state(self) -> RedState:
        baseline = self.run({})
        assert not baseline.green
        began = time.monotonic()
        return RedState(
            workspace=self.workspace,
            files=self.files,
            baseline=(baseline,),
            diagnostics=baseline.diagnostics,
            sandbox=self.sandbox,
            remaining_s=lambda: self.seconds - (time.monotonic() - began),
            cancel=Event(),
            progress=self.said.append,
        )

    def texts(self, candidate: Candidate) -> dict[str, str]:
        changed = apply(candidate.diff, self.workspace)
        return {path: (content or b"").decode() for path, content in changed.items()}

    def green(self, candidate: Candidate) -> bool:
        return self.run(apply(candidate.diff, self.workspace)).green

    def failures(self, candidate: Candidate) -> int:
        return len(failing(self.run(apply(candidate.diff, self.workspace))))

    def first_green(self, fixer: Fixer) -> dict[str, str]:
        """The files of the first candidate that the real command finds green; the others are not asked for."""
        state = self.state()
        assert fixer.wants(state)
        proposals = fixer.propose(state)
        found = next((c for c in proposals if self.green(c)), None)
        state.cancel.set()
        assert found is not None, self.said
        return self.texts(found)


@contextmanager
def red_python(workspace: Path, files: Mapping[str, str], command: str = PYTEST) -> Iterator[Red]:
    texts = {path: dedent(text).lstrip("\n") for path, text in files.items()}
    for path, text in texts.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_bytes(text.encode())
    with open_sandbox(workspace) as sandbox:
        yield Red(workspace.resolve(), sandbox, check_of(command), texts)
