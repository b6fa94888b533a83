"""What a check's tool offers: a module in `checks/tools/` with a `TOOL` object, named for its program.

A plugin derives from `Tool` and says only what its program does differently from the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from llm.checks.command import invocation
from llm.domain import Check, Diagnostic, Stage, TestOutcome
from llm.sandbox.base import Completed

INSIDE = Path(__file__).resolve().parent.parent / "inside"
"""Where the plugins and reporters lie that run in the sandbox, handed over by path."""


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A command made to report in structure: what to run instead, and with which environment.

    Plugins and reporters that it needs lie in `llm/inside/`, which every sandbox can read at its own path.
    `to_report`: its stdout is the structured report and goes to `TORRE_REPORT` (the wider of the two pipes).
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    to_report: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool's output says: tests (None where it reports none one by one) and diagnostics.

    `not_run` says why the run proves nothing, although a process ended ("no tests collected"), else "".
    """

    tests: tuple[TestOutcome, ...] | None
    diagnostics: tuple[Diagnostic, ...]
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """A green check that is about to be believed, and a word that nothing in the tree can know.

    `argv` is () where the line is more than one simple command. `tests` are ids that passed, those that were red
    before first. `paths` are files that changed, that the check complained of, or that may be its own, in this
    order. `read` gives the text of a file in the tree that is judged, None where there is none.
    """

    word: str
    argv: tuple[str, ...]
    directory: str
    tests: tuple[str, ...]
    paths: tuple[str, ...]
    read: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Control:
    """Violations planted on purpose: a check that does not report each of them is no judge.

    `names` are the starts of ids of tests that must fail or, where a tool reports no tests, words of which each
    must occur in an error's path or message. `argv` is the command that sees the files, () for the check's own.
    `copies` maps the start of known ids to the start of the same tests' ids in a planted copy of their file: those
    must end alike.
    """

    files: Mapping[str, str]
    names: tuple[str, ...]
    argv: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    twins: tuple[str, ...] = ()


class Tool(Protocol):
    """Understands one program: finds it in a directory's configuration, instruments it, reads its output."""

    name: str
    stage: Stage
    install: str
    """The command that installs it, for the message when it is missing."""
    always_reports: bool = False
    """Whether an instrumented run that ends with code 0 leaves a report: without one it proves nothing."""

    def discover(self, directory: Path) -> Iterator[Check]:
        """Checks that this directory's own tool configuration implies (source and confidence filled in)."""

    def matches(self, argv: tuple[str, ...]) -> bool:
        """Whether a simple command runs this program (`python -m pytest -q`, `npx eslint .`, `pytest`)."""
        return invocation(argv).program == self.name

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        """The same command with structured output; semantics and exit code unchanged.

        `only` are the test ids to run; a tool that cannot restrict itself runs all of them.
        """

    def carry(self, only: tuple[str, ...] = ()) -> Mapping[str, str]:
        """Environment that makes it report also where the command is out of reach (through make, npm, a pipe)."""
        return {}

    def leaves_files(self, argv: tuple[str, ...]) -> bool:
        """Whether a later command may need what this one writes: then the two are one check, in one sandbox."""
        return False

    def control(self, scene: Scene) -> Iterator[Control]:
        """Ways to plant a violation that this program must report, the best first; none where it knows of none.

        The word of the scene is in the path of each new file and in each name.
        """
        return iter(())

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        """Tests and diagnostics from the structured output, or from the text where there is none."""
