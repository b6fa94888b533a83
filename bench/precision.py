"""How often PATCH is right: `python -m bench.precision [--seconds S] [--every N] FILE.jsonl`.

Whole runs of Torre on HumanEvalFix-Python (the format of `bench.humanevalfix`), each answer compared with the
reference on inputs that are not made the gate's way (`bench.agreement`). `first` is what would be answered without
the behaviour gate. One JSON line a bug, then one of figures. Downloads nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.humanevalfix import right, write
from bench.whole import whole_run
from llm.domain import DiscardReason, Mode
from llm.rerank.select import merit


def answered(row: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """One bug: the mode, what passed, and whether the first and the chosen candidate are right."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        write(row, folder)
        began = time.monotonic()
        run = whole_run(folder, f"{sys.executable} -m pytest -q", seconds)
        passed = [e for e in run.selection.ranking if e.reason in (None, DiscardReason.OVERFIT)]
        first = min((replace(e, reason=None) for e in passed), key=merit, default=None)
        winner = run.selection.winner
        return {
            "id": row["task_id"],
            "mode": run.mode.value,
            "plausible": len(passed),
            "overfit": [e.detail for e in passed if e.reason],
            "ambiguous": run.selection.ambiguous,
            "measured": bool(winner and winner.behaviour),
            "first_right": right(row, first.candidate.diff, folder) if first else None,
            "right": right(row, winner.candidate.diff, folder) if winner else None,
            "distinguishing": winner.distinguishing if winner else "",
            "s": round(time.monotonic() - began, 1),
        }


def figures(results: list[dict[str, Any]]) -> dict[str, int]:
    """Counts over all bugs: before the gate (`plausible`, `first_right`) and after it."""
    counts: Counter[str] = Counter(bugs=len(results))
    for told in results:
        patch = told["mode"] == Mode.PATCH.value
        counts["plausible"] += told["plausible"] > 0
        counts["first_right"] += bool(told["first_right"])
        counts["patch"] += patch
        counts["patch_right"] += patch and bool(told["right"])
        counts["ambiguous"] += told["ambiguous"]
        counts["ambiguous_first_right"] += told["ambiguous"] and bool(told["right"])
        counts["overfit"] += bool(told["overfit"])
    return dict(counts)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--every", type=int, default=1)
    given = options.parse_args()
    rows = [json.loads(line) for line in given.file.read_text().splitlines() if line.strip()]
    results = []
    for row in rows[:: given.every]:
        results.append(answered(row, given.seconds))
        print(json.dumps(results[-1]), flush=True)
    print(json.dumps(figures(results)))


if __name__ == "__main__":
    main()
