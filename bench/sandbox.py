"""What a sandbox costs: create + `true` + tear down, against the tree's size, a copy, and nothing."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.figure import emit, median, wall_s
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Sandbox

SIZES = (1_000, 10_000, 50_000)
TIMES = 30
ROUNDS = 5
TRUE = Job(("true",))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="torre-bench-") as folder:
        trees = {size: tree(Path(folder) / str(size), size) for size in SIZES}
        bare = median(lambda: wall_s(lambda: subprocess.run(["true"], check=True)), TIMES)
        emit("bare true", bare * 1000, "ms", n=TIMES)
        opening = median(lambda: wall_s(lambda: opened_and_closed(trees[1_000])), ROUNDS)
        emit("open and close a sandbox, 1,000 files", opening * 1000, "ms", n=ROUNDS)
        cost = job_medians(trees)
        for size, seconds in cost.items():
            emit(f"create + true + tear down, {size:,} files", seconds * 1000, "ms", n=TIMES)
        copying = median(lambda: copy_s(trees[1_000]), ROUNDS)
        emit("cp -a of 1,000 files", copying * 1000, "ms", n=ROUNDS)
        emit("sandbox at 50,000 files / at 1,000", cost[50_000] / cost[1_000], "ratio", "at most 1.5")
        emit("sandbox at 50,000 files / cp -a of 1,000", cost[50_000] / copying, "ratio", "at most 0.05")
        emit("sandbox / bare true", cost[1_000] / bare, "ratio")


def tree(place: Path, files: int) -> Path:
    """A workspace of small files, 100 a folder."""
    for number in range(files):
        if number % 100 == 0:
            (place / f"d{number // 100}").mkdir(parents=True)
        (place / f"d{number // 100}" / f"f{number % 100}.py").write_text(f"x = {number}\n")
    return place


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


def copy_s(workspace: Path) -> float:
    copy = workspace.with_name("copy")
    try:
        return wall_s(lambda: subprocess.run(["cp", "-a", workspace, copy], check=True))
    finally:
        shutil.rmtree(copy)


if __name__ == "__main__":
    main()
