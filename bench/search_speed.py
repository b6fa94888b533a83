"""Candidates a second of the embedded search: `python -m bench.search_speed [--mutmut]`, on one core.

One run on one small project whose tests take less than 0.1 ms: the search (making the edits included, starting
not) beside a bare fork and wait, a pytest process a candidate, and the mutation tester mutmut, which does the same
work. A second is one of CPU time, of all processes, so that a busy machine tells the same as a quiet one. Only
with `--mutmut` is something downloaded: mutmut and pytest from the package index, into a temporary environment.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from bench.figure import cpu_s, emit
from llm.checks.python import failing, launch_of
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.fixers.python_search import order, warm
from llm.sandbox import open_sandbox

CODE = """
def price(items, rate=0.2, limit=10):
    total = 0
    for name, count, each in items:
        if count <= 0:
            continue
        total += count * each
        if count > limit:
            total -= each
    return round(total * (1 + rate), 2)


def words(text):
    found = {}
    for word in text.lower().split():
        word = word.strip(".,")
        if word:
            found[word] = found.get(word, 0) + 1
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
"""
TESTS = """
from shop import price, words


def test_words():
    assert words("A b, a.") == [("a", 2), ("b", 1)]


def test_price():
    assert price([("a", 2, 5.0), ("b", 0, 9.0)]) == 12.0
    assert price([("a", 11, 1.0)]) == 12.0
"""
RED = "    assert price([]) == 'nothing'\n"
_FORKS = "import os\nfor _ in range({count}):\n    if not os.fork(): os._exit(0)\n    os.wait()\n"
_SECONDS = 60.0
_PROCESSES = 8
_MOST = 100_000
_COUNT = re.compile(rb"(\d+)/\d+")


def searched(folder: Path) -> tuple[int, float]:
    """Candidates judged, and the CPU seconds that this took beyond what starting takes."""
    (folder / "shop.py").write_text(CODE)
    (folder / "test_shop.py").write_text(TESTS + RED)
    _, idle_s = _cpu(lambda: _judged(folder, most=1))
    tried, all_s = _cpu(lambda: _judged(folder, most=_MOST))
    return tried, all_s - idle_s


def _cpu(work: Callable[[], int]) -> tuple[int, float]:
    """What work returns, and the CPU seconds of this process and of all its children."""
    before = _used()
    return work(), _used() - before


def _used() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _judged(folder: Path, most: int) -> int:
    def supply(tests: Mapping[str, Any]) -> Iterator[order.Proposal]:
        return islice(order.single_edits("shop.py", CODE, dict.fromkeys(range(1, CODE.count("\n")), 1.0)), most)

    with open_sandbox(folder) as sandbox:
        check = check_of(f"{sys.executable} -m pytest -q")
        baseline, launch = run_check(check, sandbox, folder), launch_of(check, sandbox)
        assert launch is not None
        talk = warm.Conversation(supply, {"shop.py": CODE})
        job = warm.job_for(launch, baseline, folder, failing(baseline), _SECONDS, talk, Event())
        warm.converse(sandbox, job, talk).join()
    return talk.tally.tried


def forks_a_second(count: int = 2000) -> float:
    """A bare fork and wait, in an interpreter that has nothing loaded."""
    argv = [sys.executable, "-I", "-S", "-c"]
    return count / (cpu_s([*argv, _FORKS.format(count=count)]) - cpu_s([*argv, "import os"]))


def processes_a_second(folder: Path) -> float:
    """A pytest process a candidate."""
    argv = [sys.executable, "-m", "pytest", "-q", "-x"]
    return _PROCESSES / sum(cpu_s(argv, cwd=folder) for _ in range(_PROCESSES))


def mutants_a_second(folder: Path) -> float:
    """Mutants of the same code with green tests that mutmut judges; 0 where it did not say. Its start counts."""
    (folder / "src").mkdir()
    (folder / "tests").mkdir()
    (folder / "src" / "shop.py").write_text(CODE)
    (folder / "tests" / "test_shop.py").write_text(TESTS)
    settings = '[tool.mutmut]\npaths_to_mutate = ["src"]\n[tool.pytest.ini_options]\npythonpath = ["src"]\n'
    (folder / "pyproject.toml").write_text(settings)
    uv, env = str(Path(sys.executable).with_name("uv")), folder / "env"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(env)], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", str(env / "bin/python"), "mutmut", "pytest"], check=True
    )
    argv = [str(env / "bin/mutmut"), "run", "--max-children", "1"]
    before = _used()
    done = subprocess.run(argv, cwd=folder, capture_output=True, timeout=300)
    counts = _COUNT.findall(done.stdout)
    return int(counts[-1]) / (_used() - before) if counts else 0.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mutmut", action="store_true")
    given = options.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        forks = forks_a_second()
        tried, seconds = searched(Path(one).resolve())
        forks = (forks + forks_a_second()) / 2
        rate = tried / seconds
        emit("search.candidates", rate, "candidates/s", tried=tried)
        emit("search.forks", forks, "forks/s")
        emit("search.of_forks", rate / forks, "x", "at least 0.5 of a bare fork and wait")
        emit(
            "search.of_processes", rate / processes_a_second(Path(one)), "x", "at least 50 x a pytest process each"
        )
        mutants = mutants_a_second(Path(two)) if given.mutmut else 0.0
        if mutants:
            emit("search.of_mutmut", rate / mutants, "x", "at least 5 x mutmut", mutants_a_second=mutants)


if __name__ == "__main__":
    main()
