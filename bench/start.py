"""What it costs to start: `torre --version`, and `python3 -m llm.cli` refusing a bad request, beside a bare
interpreter. CPU time, medians, interleaved so that a noisy machine disturbs all alike."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from bench.figure import cpu_s, emit

TIMES = 41


def main() -> None:
    python = sys.executable
    commands = {
        "pass": ([python, "-c", "pass"], b""),
        "version": ([str(Path(python).with_name("torre")), "--version"], b""),
        "refusal": ([python, "-m", "llm.cli"], b'{"log": {}}'),
    }
    for argv, stdin in commands.values():
        cpu_s(argv, stdin)  # the first start writes byte code
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(TIMES):
        for name, (argv, stdin) in commands.items():
            taken[name].append(cpu_s(argv, stdin))
    bare, version, refusal = (statistics.median(taken[name]) for name in commands)
    emit("start.pass", bare * 1000, "ms CPU", n=TIMES)
    emit("start.version", version * 1000, "ms CPU", n=TIMES)
    emit("start.version.ratio", version / bare, "x", "at most 6 x python3 -c pass")
    emit("start.refusal", refusal * 1000, "ms CPU", n=TIMES)
    emit("start.refusal.ratio", refusal / bare, "x", "at most 15 x python3 -c pass")


if __name__ == "__main__":
    main()
