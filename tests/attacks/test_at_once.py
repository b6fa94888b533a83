"""A fork bomb, a memory bomb and an output flood at once, two candidates wide: the machine stays usable, and the
verdicts are right."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from threading import Event, Thread

from llm.rerank.execution_reranker import ExecutionReranker
from llm.workspace.diff import make_diff

RED = "def double(n):\n    return n * 3\n"
GREEN = RED.replace("3", "2")
BOMBS = (
    """
import os, time

def hoard():
    held = []
    while True:
        held.append(bytearray(b"x" * (16 << 20)))

def flood():
    time.sleep({flood_after_s})
    while True:
        os.write(1, b"x" * 65536)

def forks():
    time.sleep(0.5)
    while True:
        try:
            os.fork()
        except OSError:
            pass

for bomb in (hoard, flood):
    if os.fork() == 0:
        bomb()
forks()
"""
    + GREEN
)
TEST = "from twice import double\n\nassert double(4) == 8\n"
PAUSE_S = 0.01
USUAL_S, WORST_S = 0.25, 3.0


def test_bombs_at_once(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(RED)
    (tmp_path / "check.py").write_text(TEST)
    bombs = (BOMBS.replace("{flood_after_s}", str(seconds)) for seconds in (1, 100))
    candidates = [make_diff({"twice.py": RED}, {"twice.py": text}) for text in (*bombs, GREEN)]
    ended, late_s = Event(), list[float]()

    def small_loop() -> None:
        while not ended.is_set():
            asked = time.monotonic()
            time.sleep(PAUSE_S)
            late_s.append(time.monotonic() - asked - PAUSE_S)

    watcher = Thread(target=small_loop)
    watcher.start()
    try:
        result = ExecutionReranker(["python3 check.py"]).run(tmp_path, candidates)
    finally:
        ended.set()
        watcher.join()
    reasons = [result["discard_reasons"].get(number) for number in range(3)]
    assert result["selected_index"] == 2, reasons
    assert reasons[2] is None and set(reasons[:2]) <= {"oom", "timeout", "checks_red"}, reasons
    assert statistics.median(late_s) < USUAL_S and max(late_s) < WORST_S, (statistics.median(late_s), max(late_s))
