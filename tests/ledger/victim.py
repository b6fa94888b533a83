"""Makes calls until it is killed: `python -m tests.ledger.victim ADDRESS LOG KILLS`.

Each kill hits a fresh fork when it has worked for a random time, however busy the machine is. The log gets a
letter when a step has returned: `m` sent, `s` settled. Reserved for each call: 100 tokens; really used: 40.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path

from llm.ledger.base import Claim, Grant
from tests.ledger.racers import load, opened

RESERVED, USED = 100, 40


def _work(address: str, log: int, ready: int) -> None:
    store = opened(address)
    os.write(ready, b"x")
    for turn in count():
        grant = store.reserve(Claim("vendor/model", "run", RESERVED, RESERVED))
        if not isinstance(grant, Grant):
            raise SystemExit(str(grant))
        if turn % 5 == 4:
            store.release(grant)
            continue
        if store.mark_sent(grant) is None:
            os.write(log, b"m")
            store.settle(grant, USED, USED)
            os.write(log, b"s")


def _main(address: str, path: str, kills: int) -> None:
    load(address)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for _ in range(kills):
        theirs, ours = os.pipe()
        child = os.fork()
        if child == 0:
            _work(address, log, ours)
        os.read(theirs, 1)
        _let_work(child, random.uniform(0, 0.004))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(theirs)
        os.close(ours)


def _let_work(child: int, seconds: float) -> None:
    """Until the child has had a core for so long; half a second at most, for it also waits for the disk."""
    began, until = _ran_s(child), time.monotonic() + 0.5
    while _ran_s(child) - began < seconds and time.monotonic() < until:
        time.sleep(0.0001)


def _ran_s(child: int) -> float:
    return int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
