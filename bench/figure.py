"""One JSON line a figure: what was measured, on what, and against which target."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from llm import __version__

KERNEL = platform.release().split("-")[0]
MACHINE = f"{platform.system()} {KERNEL}, {os.cpu_count()} cores, Python {platform.python_version()}"


def emit(figure: str, value: float, unit: str, target: str = "", **more: Any) -> None:
    """Print one figure. `target` is what the project set itself, in words."""
    line = {"figure": figure, "value": round(value, 4), "unit": unit, "target": target, **more}
    print(json.dumps({**line, "torre": __version__, "machine": MACHINE}), flush=True)


def median(work: Callable[[], float], times: int) -> float:
    """The median of `times` measurements."""
    return statistics.median(work() for _ in range(times))


def wall_s(work: Callable[[], Any]) -> float:
    """Seconds of wall time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_s(argv: Sequence[str], stdin: bytes = b"", **options: Any) -> float:
    """Seconds of CPU (user and system) of one child process and all that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, input=stdin, capture_output=True, check=False, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
