"""What a log parser offers: a module in `triage/parsers/` with a `PARSER` object, named for its tool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from llm.domain import Diagnostic, Stage


class LogParser(Protocol):
    """Reads one tool's plain-text output, as people paste it. Pure: text in, diagnostics out, no crash."""

    tool: str
    stage: Stage
    """What this tool's complaints usually are; `stage_of` may say otherwise for a single one."""

    def parse(self, text: str) -> Iterator[Diagnostic]:
        """Diagnostics in a log that may hold other tools' output too. ANSI and timestamps are gone already."""

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """The stage of one diagnostic of this tool (an ImportError at collection is `build`, …)."""
