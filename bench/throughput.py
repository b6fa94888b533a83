"""Evaluating 32 candidates two at once against one at once, in the same run on the same workspace."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import Event

from bench.figure import emit, median, wall_s
from llm.budget import Budget
from llm.checks.baseline import reproduce
from llm.checks.discover import discover
from llm.checks.run import run_check
from llm.domain import Candidate
from llm.rerank.examine import Examiner
from llm.rerank.race import Race
from llm.sandbox import open_sandbox
from llm.workspace.diff import make_diff
from llm.workspace.rules import Rules

CANDIDATES = 32
SOURCE = "def double(n):\n    return n * {}\n"
TEST = "from twice import double\n\n\ndef test_double():\n    assert double(4) == 8\n"


def evaluate(workspace: Path, width: int) -> float:
    """Seconds to evaluate all candidates, `width` at once. None of them passes."""
    with open_sandbox(workspace) as sandbox:
        budget = Budget(search_s=0)
        baseline = reproduce(
            discover(workspace, ["python3 -m pytest -q"]), lambda c, _stop: run_check(c, sandbox, workspace)
        )
        examiner = Examiner(workspace, sandbox, baseline, Rules(), budget)
        red = SOURCE.format(3)
        changed = [SOURCE.format(n) for n in range(10, 10 + CANDIDATES)]
        candidates = [Candidate(make_diff({"twice.py": red}, {"twice.py": text})) for text in changed]
        return wall_s(lambda: Race(examiner.examine, width).run(iter(candidates), Event()))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder).resolve()
        (workspace / "twice.py").write_text(SOURCE.format(3))
        (workspace / "test_twice.py").write_text(TEST)
        one, two = (median(lambda w=width: evaluate(workspace, w), 3) for width in (1, 2))  # type: ignore[misc]
    emit("throughput.one", CANDIDATES / one, "candidates/s", n=3)
    emit("throughput.two", CANDIDATES / two, "candidates/s", n=3)
    emit("throughput.ratio", one / two, "x", "at least 1.7 x one at once")


if __name__ == "__main__":
    main()
