"""One JSON object: the contract's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from llm.domain import Run
from llm.report.base import Format, Written
from llm.report.contract import as_contract


class _Json:
    def write(self, run: Run, env: Mapping[str, str], colour: bool) -> Written:
        """See `Format`; the schema is `torre schema output`."""
        return Written(json.dumps(as_contract(run)))


FORMAT: Format = _Json()
