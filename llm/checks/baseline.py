"""Reproduce the red: run every check on the untouched tree, the red ones more than once.

A check whose items differ between runs of the same tree is flaky: it proves nothing about a candidate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from llm.checks.compare import flaky
from llm.domain import Baseline, Check, CheckResult, Stage

_T = TypeVar("_T")
_R = TypeVar("_R")


def width() -> int:
    """How many jobs run at once: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[[_T, Event], _R], inputs: Iterable[_T]) -> tuple[_R, ...]:
    """`work` on every input, as many at once as there are cores; results in the order of the inputs.

    The Event that `work` gets is set when something (an interrupt, an error in another) ends this early.
    """
    stop = Event()
    with ThreadPoolExecutor(width()) as pool:
        futures = [pool.submit(work, each, stop) for each in inputs]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def reproduce(checks: Sequence[Check], run: Callable[[Check, Event], CheckResult]) -> Baseline:
    """Run every check once, and a second time the red ones that execute the workspace's code.

    A check killed by its time limit is not repeated. Nor, here, is one that only complains of the text (a type
    checker, a linter), the slowest and steadiest of them: it is run again when a winner is confirmed.
    """
    first = side_by_side(run, checks)
    suspects = [r for r in first if not r.green and not r.not_run and not r.killed and not _reads_only(r)]
    second = side_by_side(run, [r.check for r in suspects])
    pairs = [(one, two) for one, two in zip(suspects, second, strict=True) if not two.killed]
    return Baseline(results=first, flaky=flaky([one for one, _ in pairs], [two for _, two in pairs]))


def _reads_only(result: CheckResult) -> bool:
    return result.tests is None and bool(result.diagnostics) and result.check.stage in (Stage.TYPES, Stage.STYLE)
