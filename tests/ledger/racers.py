"""Real processes that race for one ledger: `python -m tests.ledger.racers ADDRESS KIND PROCESSES CALLS_FILE`.

A call that is made is a line in CALLS_FILE, written between mark_sent and settle. KIND `naive` is the positive
control: the same race with counting first and calling after, as a counter without reservations does it.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path

from llm.ledger.base import Caps, Claim, Grant, QuotaStore
from llm.ledger.home import open_store

TOKENS, USD = 1000, 300
CAPS = {
    "rpm": Caps(rpm=10),
    "daily_calls": Caps(daily_calls=10),
    "tokens": Caps(tpm=10 * TOKENS, daily_tokens=10 * TOKENS),
    "usd": Caps(daily_usd_micros=10 * USD),
    "budget": Caps(budget_daily_usd_micros=10 * USD),
    "run": Caps(budget_run_usd_micros=10 * USD),
    "all": Caps(10, 10 * TOKENS, 64, 10, 10 * TOKENS, 10 * USD, 10 * USD, 10 * USD),
    "none": Caps(),
}


def opened(address: str) -> QuotaStore:
    """The ledger, as every process opens it."""
    return open_store(Path.cwd(), {"TORRE_LEDGER": address})


def load(address: str) -> None:
    """Import once, before the forks, what each of them would import for itself."""
    import_module("redis" if address.startswith("unix") else "llm.ledger.sqlite")


def make_call(store: QuotaStore, claim: Claim, calls: int) -> bool:
    """One call from the reservation to the settlement; False if it was refused."""
    grant = store.reserve(claim)
    if not isinstance(grant, Grant) or store.mark_sent(grant) is not None:
        return False
    os.write(calls, b"call\n")
    store.settle(grant, TOKENS, USD)
    return True


def _race(address: str, kind: str, number: int, calls: int) -> None:
    lane = f"vendor/model-{number % 2}" if kind in ("budget", "run") else "vendor/model"
    store = opened(address)
    for _ in range(3):
        make_call(store, Claim(lane, "run", TOKENS, USD, CAPS[kind]), calls)


def _race_naively(path: Path, calls: int) -> None:
    if path.read_bytes().count(b"\n") < 10:
        time.sleep(0.001)
        os.write(calls, b"call\n")


def _main(address: str, kind: str, processes: int, path: Path) -> None:
    load(address)
    calls = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    ready, go = os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(ready, 1)  # until the parent closes its end: all start at once
            if kind == "naive":
                _race_naively(path, calls)
            else:
                _race(address, kind, number, calls)
            os._exit(0)
        children.append(child)
    os.close(go)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    sys.exit(f"{len(failed)} of {processes} failed" if failed else 0)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
