"""What a check's tool offers: a module in `checks/tools/` with a `TOOL` object, named for its program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from llm.domain import Check, Diagnostic, Stage, TestOutcome
from llm.sandbox.base import Completed


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A command made to report in structure: what to run instead, and with which environment.

    Plugins and reporters that it needs lie in `llm/inside/`, which every sandbox can read at its own path.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool's output says: tests (None where it reports none one by one) and diagnostics."""

    tests: tuple[TestOutcome, ...] | None
    diagnostics: tuple[Diagnostic, ...]


class Tool(Protocol):
    """Understands one program: finds it in a directory's configuration, instruments it, reads its output."""

    name: str
    stage: Stage

    def discover(self, directory: Path) -> Iterator[Check]:
        """Checks that this directory's own tool configuration implies (source and confidence filled in)."""

    def matches(self, argv: tuple[str, ...]) -> bool:
        """Whether a simple command runs this program (`python -m pytest -q`, `npx eslint .`, `pytest`)."""

    def instrument(self, argv: tuple[str, ...]) -> Instrumented:
        """The same command with structured output; semantics and exit code unchanged."""

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        """Tests and diagnostics from the structured output, or from the text where there is none."""
