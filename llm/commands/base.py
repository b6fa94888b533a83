"""What a command gives back, and what most of them begin with."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from llm.kept.stores import kept_traces, root_at, standings, story_of
from llm.triage.clean import strip_control

__all__ = ["Command", "Output", "kept_traces", "root_at", "standings", "story_of"]


@dataclass(frozen=True, slots=True)
class Output:
    """What to show: `text` for a person, `data` (plain JSON) under `--json`; None: the text is all there is.

    Nothing in `text` can steer a terminal: control sequences are taken out when it is made.
    """

    text: str
    data: Mapping[str, Any] | None = None
    exit_code: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", strip_control(self.text))


class Command(Protocol):
    """A module of this room."""

    HELP: str

    def configure(self, parser: Any) -> None:
        """Add the command's arguments to its `argparse` parser."""

    def run(self, options: Namespace) -> Output:
        """Carry the command out. Raises TorreError; prints nothing."""
