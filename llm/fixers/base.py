"""What a fixer offers: a module in `fixers/` with a `FIXER` object. It proposes; only the checks are believed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol

from llm.domain import Candidate, CheckResult, Diagnostic, Evaluation
from llm.sandbox.base import Sandbox

Proposals = Generator[Candidate, Evaluation | None, None]
"""Yields candidates lazily, best first; `send` tells the verdict of an earlier one, None while unknown."""


@dataclass(frozen=True, slots=True)
class RedState:
    """What a fixer sees: the workspace, its baseline, and a sandbox to run tools in.

    `files` are the texts of the workspace's source files, read once (relative path → text). `diagnostics` are
    all of the baseline and of the logs. `remaining_s` tells the seconds left for the search; `cancel` is set
    when nothing more is wanted; `progress` takes one line for the user.
    """

    workspace: Path
    files: Mapping[str, str]
    baseline: tuple[CheckResult, ...]
    diagnostics: tuple[Diagnostic, ...]
    sandbox: Sandbox
    remaining_s: Callable[[], float]
    cancel: Event
    progress: Callable[[str], None]


class Fixer(Protocol):
    """One way of making candidates, without a model and without a network."""

    name: str
    rank: int
    """Deterministic fixers 0…49, searches 50…99; lower proposes first."""

    def wants(self, red: RedState) -> bool:
        """Whether this red is this fixer's business. Cheap: no process is started."""

    def missing(self, red: RedState) -> str:
        """The tool that this fixer lacks here and the command that installs it, or ""."""

    def propose(self, red: RedState) -> Proposals | Iterator[Candidate]:
        """Candidates, best first. A tool that fails makes no candidate and says so through `progress`."""
