"""Rows for the trace, and a process that writes some: `python -m tests.ledger.traced ROOT ID ATTEMPTS [die]`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from llm.ledger.home import open_traces
from llm.ledger.trace_rows import Attempt, CandidateRow, Ending

LANE = "openai/gpt-4o"


def attempt(trace_id: str, number: int = 1, lane: str = LANE, **fields: Any) -> Attempt:
    """An attempt that was answered."""
    given: dict[str, Any] = {
        "at": 1_773_576_000.0,
        "cause": "ok",
        "tokens_in": 1000,
        "tokens_out": 100,
        "usd_micros": 3000,
        "provider_ms": 1500,
        "stage": "types",
        **fields,
    }
    return Attempt(trace_id, lane, "model-1", "openai", number, **given)


def ending(**fields: Any) -> Ending:
    """The end of a run that was won by the lane's candidate, number 0."""
    given: dict[str, Any] = {
        "winner": 0,
        "winner_lane": LANE,
        "winner_origin": "answer 1",
        "diff": "--- a/x\n+++ b/x\n",
        "candidates": (CandidateRow(0, LANE, "answer 1", "--- a/x\n+++ b/x\n", checks={"mypy": "green"}),),
        **fields,
    }
    return Ending("types", "PATCH", 0, "1 of 1 checks turned green", 4100, **given)


def _main(root: Path, trace_id: str, attempts: int, die: bool) -> None:
    store = open_traces(root, os.environ)
    store.begin(trace_id, str(root))
    for number in range(1, attempts + 1):
        store.add_attempt(attempt(trace_id, number))
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    store.finish(trace_id, ending())
    store.close()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), "die" in sys.argv)
