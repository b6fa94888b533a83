"""What a sandbox costs: create + `true` + tear down, against the tree's size, a copy, and nothing; and what it
slows down: reading many files, and computing."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.figure import emit, median, wall_s
from llm.domain import Isolation
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Sandbox

SIZES = (1_000, 10_000, 50_000)
TIMES = 40
ROUNDS = 7
TRUE = Job(("true",))
READ_FILES = 1_500
_READ = f"""
import time
def read():
    started = time.process_time()  # the files are in the page cache: it waits for nothing but its turn
    for number in range({READ_FILES}):
        with open(f"d{{number // 100}}/f{{number % 100}}.py", "rb") as f: f.read()
    return time.process_time() - started
print(read(), read())
"""
_COMPUTE = """
import time
started = time.process_time()  # the machine is shared: not the time that others took
total = 0
for n in range(6_000_000): total += n * n % 7
print(time.process_time() - started)
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="torre-bench-", dir="/var/tmp") as folder:
        trees = {size: tree(Path(folder) / str(size), size) for size in SIZES}
        bare = median(lambda: wall_s(lambda: subprocess.run(["true"], check=True)), TIMES)
        emit("bare true", bare * 1000, "ms", n=TIMES)
        opening = median(lambda: wall_s(lambda: opened_and_closed(trees[1_000])), ROUNDS)
        emit("open and close a sandbox, 1,000 files", opening * 1000, "ms", n=ROUNDS)
        cost = job_medians(trees)
        for size, seconds in cost.items():
            emit(f"create + true + tear down, {size:,} files", seconds * 1000, "ms", n=TIMES)
        with open_sandbox(trees[1_000], least=Isolation.STRONG) as gvisor:
            strong = median(lambda: wall_s(lambda: run(gvisor)), TIMES)
        emit("create + true + tear down, isolation: strong", strong * 1000, "ms", n=TIMES)
        copying = median(lambda: copy_s(trees[1_000]), ROUNDS)
        emit("cp -a of 1,000 files", copying * 1000, "ms", n=ROUNDS)
        emit("sandbox at 50,000 files / at 1,000", cost[50_000] / cost[1_000], "ratio", "at most 1.5")
        emit("sandbox at 50,000 files / cp -a of 1,000", cost[50_000] / copying, "ratio", "at most 0.05")
        emit("sandbox / bare true", cost[1_000] / bare, "ratio")
        sources = real_sources(Path(folder) / "sources")
        emit("a source that is read, median size", sources, "bytes", n=READ_FILES)
        for what, place in (("sources", Path(folder) / "sources"), ("files of 7 bytes", trees[10_000])):
            first, again = slowdowns(place, _READ)
            reading = f"reading {READ_FILES:,} {what} inside / outside"
            emit(f"{reading}, first time in a job", first, "ratio", "at most 1.3")
            emit(f"{reading}, again in that job", again, "ratio", "at most 1.3")
        emit("computing inside / outside", slowdowns(trees[1_000], _COMPUTE)[0], "ratio", "at most 1.05")


def tree(place: Path, files: int) -> Path:
    """A workspace of small files, 100 a folder."""
    for number in range(files):
        if number % 100 == 0:
            (place / f"d{number // 100}").mkdir(parents=True)
        (place / f"d{number // 100}" / f"f{number % 100}.py").write_text(f"x = {number}\n")
    return place


def real_sources(place: Path) -> int:
    """A workspace of 1,500 modules of Python's library and of what is installed here; their median size."""
    folders = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    found = [path for folder in folders for path in sorted(folder.rglob("*.py")) if path.stat().st_size]
    for number, path in enumerate(found[:READ_FILES]):
        if number % 100 == 0:
            (place / f"d{number // 100}").mkdir(parents=True)
        shutil.copyfile(path, place / f"d{number // 100}" / f"f{number % 100}.py")
    return round(statistics.median(path.stat().st_size for path in found[:READ_FILES]))


def job_medians(trees: dict[int, Path]) -> dict[int, float]:
    """All sizes in turn, so that a busy moment of the machine hits them alike."""
    with open_sandbox(trees[1_000]) as a, open_sandbox(trees[10_000]) as b, open_sandbox(trees[50_000]) as c:
        measured: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(TIMES):
            for size, sandbox in zip(SIZES, (a, b, c), strict=True):
                measured[size].append(wall_s(lambda opened=sandbox: run(opened)))  # type: ignore[misc]
    return {size: statistics.median(times) for size, times in measured.items()}


def run(sandbox: Sandbox) -> None:
    if sandbox.execute(TRUE).exit_code != 0:
        raise RuntimeError("`true` failed in the sandbox")


def opened_and_closed(workspace: Path) -> None:
    with open_sandbox(workspace):
        pass


def slowdowns(workspace: Path, script: str) -> list[float]:
    """Inside against outside, by each of the clocks that the script prints: what a job costs once it runs. All
    files are in the page cache by then, which shows the overlay at its worst."""
    argv = (sys.executable, "-I", "-S", "-c", script)

    def outside() -> bytes:
        return subprocess.run(argv, cwd=workspace, capture_output=True, check=True).stdout

    with open_sandbox(workspace) as sandbox:

        def inside() -> bytes:
            return sandbox.execute(Job(argv)).stdout

        rounds = [[*map(seconds, (inside, outside))] for _ in range(2 * ROUNDS)]
    ratios = [[one / other for one, other in zip(*pair, strict=True)] for pair in rounds[1:]]
    return [statistics.median(each) for each in zip(*ratios, strict=True)]


def seconds(work: Callable[[], bytes]) -> list[float]:
    """What a script printed."""
    return [float(word) for word in work().split()]


def copy_s(workspace: Path) -> float:
    copy = workspace.with_name("copy")
    try:
        return wall_s(lambda: subprocess.run(["cp", "-a", workspace, copy], check=True))
    finally:
        shutil.rmtree(copy)


if __name__ == "__main__":
    main()
