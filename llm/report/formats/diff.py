"""The proven patch and nothing else, for `git apply`. What is not proven is told on stderr and never given out."""

from __future__ import annotations

from collections.abc import Mapping

from llm.domain import Run
from llm.report.base import Format, Written, remark
from llm.report.problems import is_proven


class _Diff:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`. Empty where nothing is proven. Paths are relative to the workspace."""
        return Written(run.diff.removesuffix("\n") if is_proven(run) else "", remark(run))


FORMAT: Format = _Diff()
