"""A process that makes calls as it is told: `python -m bench.callers KIND`. Its first line of input is the terms.

Each further line of its input is how many calls it makes, and how many of them at once; its answer to each is a
line of JSON: `made` (calls that brought an answer), `cpu_s` (of all its threads) and `wall_s`. KIND is a module of
this package with `caller(terms)`, which gives what makes one call and says whether an answer came.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    call = import_module(f"bench.callers.{sys.argv[1]}").caller(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        calls, at_once = map(int, line.split())
        cpu, wall = time.process_time(), time.perf_counter()
        if at_once == 1:
            made = sum(call() for _ in range(calls))
        else:
            with ThreadPoolExecutor(at_once) as pool:
                made = sum(pool.map(lambda _: call(), range(calls)))
        took = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
        print(json.dumps({"made": made, **took}), file=answers, flush=True)


if __name__ == "__main__":
    main()
