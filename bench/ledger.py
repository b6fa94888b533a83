"""What a reservation costs, and whether eight processes are granted exactly what there is. JSON lines.

python -m bench.ledger [--redis unix:///path/to.sock]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from bench.figure import emit
from llm.ledger.base import Caps, Claim, Grant, QuotaStore
from llm.ledger.home import open_store

CALLS = 3000
PROCESSES = 8
MINE = 250
"""Calls that each of the eight processes tries; together they may make all of them but one."""


def main() -> None:
    """Measure the SQLite ledger and, where an address is given, a Redis one."""
    with tempfile.TemporaryDirectory() as folder:
        addresses = {"sqlite": str(Path(folder) / "ledger.sqlite")}
        if sys.argv[1:2] == ["--redis"]:
            addresses["redis"] = f"{sys.argv[2]}?ledger={uuid.uuid4().hex}"
        for store, address in addresses.items():
            one, many = _one(_opened(address)), _many(address)
            target = "at most 100" if store == "sqlite" else ""
            emit("ledger.reserve", one["reserve_p50_us"], "us, p50", target, store=store, processes=1, **one)
            told = {"store": store, "processes": PROCESSES, **many}
            emit("ledger.contention", many["false_refusals"], "refusals that should have been grants", "0", **told)


def _opened(address: str) -> QuotaStore:
    return open_store(Path.cwd(), {"TORRE_LEDGER": address})


def _one(store: QuotaStore) -> dict[str, float]:
    claim = Claim("bench/one", "run", 1000, 300, Caps(*[10**9] * 8))
    times: dict[str, list[float]] = {"reserve": [], "mark_sent": [], "settle": []}
    began = time.process_time()
    for _ in range(CALLS):
        grant = _timed(times["reserve"], lambda: store.reserve(claim))
        assert isinstance(grant, Grant)
        _timed(times["mark_sent"], lambda g=grant: store.mark_sent(g))  # type: ignore[misc]
        _timed(times["settle"], lambda g=grant: store.settle(g, 500, 150))  # type: ignore[misc]
    cpu_us = (time.process_time() - began) / CALLS * 1e6
    return {f"{step}_{p}_us": v for step, took in times.items() for p, v in _percentiles(took).items()} | {
        "cpu_per_call_us": round(cpu_us, 1)
    }


def _timed(into: list[float], step: Callable[[], object]) -> object:
    began = time.perf_counter()
    result = step()
    into.append(time.perf_counter() - began)
    return result


def _percentiles(took: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took, n=20)
    return {"p50": round(statistics.median(took) * 1e6, 1), "p95": round(cuts[-1] * 1e6, 1)}


def _many(address: str) -> dict[str, float]:
    """Eight processes share a cap of one call less than they try: one refusal is right, any other is not."""
    most = PROCESSES * MINE - 1
    read, write = os.pipe()
    began = time.perf_counter()
    for _ in range(PROCESSES):
        if os.fork() == 0:
            os.write(write, b"%d\n" % _granted(address, Claim("bench/many", "run", 10, 3, Caps(daily_calls=most))))
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        granted = sum(int(line) for line in told)
    took = time.perf_counter() - began
    return {
        "tried": most + 1,
        "granted": granted,
        "false_refusals": max(0, most - granted),
        "over_limit": max(0, granted - most),
        "calls_per_s": round(granted / took),
    }


def _granted(address: str, claim: Claim) -> int:
    store, granted = _opened(address), 0
    for _ in range(MINE):
        grant = store.reserve(claim)
        if isinstance(grant, Grant):
            granted += 1
            store.mark_sent(grant)
            store.settle(grant, 10, 3)
    return granted


if __name__ == "__main__":
    main()
