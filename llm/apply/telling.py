"""Tell the trace of a run what was done with its patch on the user's files, and who asked for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from llm.errors import LedgerError
from llm.ledger.home import has_traces, open_traces
from llm.ledger.trace_rows import Change
from llm.workspace.secrets import redact

ASKED_BY = "TORRE_ASKED_BY"
"""Set by a server for the `torre` that it starts: the id of the API key."""
_MOST = 60
_BUSY_S = 1.0
"""Whoever applied waits for this, and it is not what they asked for."""
_MOST_REASON = 1000


def tell(root: Path, env: Mapping[str, str], trace_id: str, what: str, reason: str = "") -> None:
    """Note it, once it is done; `what` is one of `llm.ledger.trace_filter.CHANGES`.

    The files are what they are: where the trace cannot be had, that is said and nothing else follows from it."""
    if not has_traces(root, env):
        return
    who = env.get(ASKED_BY, "")[:_MOST] or "cli"
    try:
        with closing(open_traces(root, env, _BUSY_S)) as store:
            store.note_change(trace_id, Change(time.time(), what, who, redact(reason)[0][:_MOST_REASON]))
    except LedgerError as error:
        import logging

        logging.getLogger("torre.apply").warning("the trace of run %s does not say %s: %s", trace_id, what, error)
