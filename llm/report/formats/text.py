"""For a person: the patch, the proof, and one last line."""

from __future__ import annotations

from collections.abc import Mapping

from llm.domain import Run
from llm.report.base import Format, Written
from llm.report.text import Paint, as_text


class _Text:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`."""
        return Written(as_text(run, Paint(colour)))


FORMAT: Format = _Text()
