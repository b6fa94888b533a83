"""For a person who wants to know why: the text form, and what speaks for the winner."""

from __future__ import annotations

from collections.abc import Mapping

from llm.domain import Run
from llm.report.base import Format, Written
from llm.report.explain import explanation_as_text
from llm.report.text import Paint, as_text
from llm.triage.clean import strip_control
from llm.workspace.secrets import without_keys


class _Explain:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`."""
        why = without_keys(strip_control(explanation_as_text(run)), run.keys)
        return Written("\n\n".join(filter(None, [as_text(run, Paint(colour)), why])))


FORMAT: Format = _Explain()
