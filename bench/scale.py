"""The search in a large project: `python -m bench.scale [--lines N] [--tests N]`.

Makes a package of that many lines and tests, with fixtures, a conftest and one bug; then one JSON line a figure:
the time of one run of the tests, the time until the first candidate is under evaluation (in units of that run),
and the most memory that all processes of the search held together.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from threading import Event

from bench.figure import emit
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.fixers.base import RedState
from llm.fixers.search import FIXER
from llm.sandbox import open_sandbox
from llm.workspace.snapshot import read_sources

_FUNCTION = '''

def rate_{n}(amount, step={n}):
    """One of many: what an amount comes to."""
    if amount <= 0:
        return 0
    total = 0
    for part in range(amount % 7 + 1):
        total += part * step
        if total < 0:
            break
    return total + amount
'''
_FUNCTION_LINES = _FUNCTION.count("\n")
_FUNCTIONS = 25
_TEST = """

def test_rate_{n}(ledger):
    ledger.append(rate_{n}(3))
    assert ledger[-1] == {wanted}
    assert rate_{n}(0) == 0
"""
_CONFTEST = "import pytest\n\n\n@pytest.fixture\ndef ledger():\n    return []\n"
_BUG = ("total += part * step", "total += part + step")
_SAMPLE_S = 0.05


def write(folder: Path, lines: int, tests: int) -> None:
    """The project: modules of 25 functions, the tests spread over all of them, one function wrong."""
    modules = max(lines // (_FUNCTIONS * _FUNCTION_LINES), 1)
    per_module = -(-tests // modules)
    for folder_name in ("src/ledgers", "tests"):
        (folder / folder_name).mkdir(parents=True)
    (folder / "src/ledgers/__init__.py").touch()
    (folder / "tests/conftest.py").write_text(_CONFTEST)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')
    for module in range(modules):
        numbers = range(module * _FUNCTIONS, (module + 1) * _FUNCTIONS)
        text = "".join(_FUNCTION.format(n=n) for n in numbers)
        if module == modules // 2:
            text = text.replace(*_BUG, 1)
        (folder / f"src/ledgers/part_{module}.py").write_text(text.lstrip())
        asked = list(numbers)[:per_module]
        cases = "".join(_TEST.format(n=n, wanted=sum(p * n for p in range(4)) + 3) for n in asked)
        names = ", ".join(f"rate_{n}" for n in asked)
        (folder / f"tests/test_part_{module}.py").write_text(f"from ledgers.part_{module} import {names}\n{cases}")


class Memory:
    """Samples the resident memory of this process's descendants; `most` is the largest sum, in bytes."""

    def __init__(self) -> None:
        self.most = 0
        self._stop = Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self.most = max(self.most, sum(map(_proportional, _descendants(os.getpid()))))


def _descendants(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    except OSError:
        return found  # it ended meanwhile
    return found


def _proportional(pid: int) -> int:
    """Bytes of a process, what it shares counted in part. 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def measure(folder: Path) -> tuple[float, float, int, bool]:
    """Seconds of one test run, seconds until the first verdict is due, bytes, and whether the bug was found."""
    with open_sandbox(folder) as sandbox:
        check = check_of(f"{sys.executable} -m pytest -q")
        runs = [run_check(check, sandbox, folder) for _ in range(2)]
        run_s = min(run.duration_s for run in runs)
        said: list[tuple[float, str]] = []
        began = time.monotonic()
        red = RedState(
            workspace=folder,
            files=read_sources(folder),
            baseline=(runs[0],),
            diagnostics=runs[0].diagnostics,
            sandbox=sandbox,
            remaining_s=lambda: 120.0 - (time.monotonic() - began),
            cancel=Event(),
            progress=lambda line: said.append((time.monotonic() - began, line)),
        )
        with Memory() as memory:
            proposals = iter(FIXER.propose(red))
            found = next(proposals, None)
            red.cancel.set()
        first = next((at for at, line in said if "first candidate" in line), time.monotonic() - began)
    return run_s, first, memory.most, found is not None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=20_000)
    options.add_argument("--tests", type=int, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        write(folder, given.lines, given.tests)
        run_s, first_s, most, found = measure(folder)
    emit("scale.test_run", run_s, "s", lines=given.lines, tests=given.tests, found=found)
    emit("scale.first_candidate", first_s / run_s, "x", "at most 2 x one test run", seconds=round(first_s, 2))
    emit("scale.memory", most / 2**20, "MiB", "under 1 GB, all processes of the search")


if __name__ == "__main__":
    main()
