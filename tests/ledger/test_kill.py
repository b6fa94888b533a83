"""kill -9 between reserve and settle: nothing is lost, counted twice or left behind after the lease.

`TORRE_SOAK=10` kills 200 times, as often as the requirement says; without it a tenth of that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from llm.ledger.base import WORKSPACE, Amount, Caps, Claim, Grant, Refusal
from llm.ledger.sqlite import SqliteStore
from tests.ledger.conftest import Clock, Open
from tests.ledger.test_races import ROOT
from tests.ledger.victim import RESERVED, USED

KILLS = 20 * int(os.environ.get("TORRE_SOAK", "1"))
LANE = "vendor/model"
CLAIM = Claim(LANE, "run", RESERVED, RESERVED)


def test_killed_at_random_points(open_store: Open, address: str, clock: Clock, tmp_path: Path) -> None:
    clock.now = 0.0  # behind the real one, that the processes go by
    log = tmp_path / "log"
    subprocess.run(
        [sys.executable, "-m", "tests.ledger.victim", address, log, str(KILLS)], cwd=ROOT, check=True, timeout=250
    )
    sent, settled = (log.read_bytes().count(letter) for letter in (b"m", b"s"))
    assert sent > KILLS / 4, "killed too early to show anything"

    clock.now = time.time() + 1000  # all leases are over
    store = open_store()
    standing = store.standing("UTC")
    used = sum(day.used.calls for day in store.history() if day.lane == LANE)
    tokens = sum(day.used.tokens for day in store.history() if day.lane == LANE)
    assert sent <= used <= sent + KILLS  # a kill can hit between the step and its letter
    charged = (tokens - used * USED) / (RESERVED - USED)
    assert used - settled - KILLS <= charged <= used - settled
    assert standing[LANE].open == standing[LANE].minute == Amount()
    assert sum(d.used.tokens for d in store.history() if d.lane == WORKSPACE) == tokens


def test_what_the_killed_left_is_there_to_be_used(
    open_store: Open, address: str, clock: Clock, tmp_path: Path
) -> None:
    clock.now = 0.0
    argv = [sys.executable, "-m", "tests.ledger.victim", address, str(tmp_path / "log"), "4"]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=100)
    clock.now = time.time() + 1000
    store = open_store()
    standing = store.standing("UTC")
    used = standing[LANE].day.calls if LANE in standing else 0  # all four may have died before they reserved
    claim = replace(CLAIM, caps=Caps(daily_calls=used + 3, concurrency=3))
    grants = [store.reserve(claim) for _ in range(4)]
    assert [isinstance(grant, Grant) for grant in grants] == [True, True, True, False]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _reserve_and_die(path: Path) -> None:
    SqliteStore(path).reserve(CLAIM)
    _die()


def _send_and_die(path: Path) -> None:
    store = SqliteStore(path)
    grant = store.reserve(CLAIM)
    assert isinstance(grant, Grant)
    store.mark_sent(grant)
    _die()


def _die_in_the_middle_of(step: int) -> Callable[[Path], None]:
    """Killed inside the transaction: the clock is read when it has begun. Steps: sweep, reserve, sent, settle."""

    def run(path: Path) -> None:
        reads = iter(range(step))

        def clock() -> float:
            if next(reads, None) is None:
                _die()
            return time.time()

        store = SqliteStore(path, clock=clock)
        grant = store.reserve(CLAIM)
        assert isinstance(grant, Grant)
        store.mark_sent(grant)
        store.settle(grant, USED, USED)

    return run


@pytest.mark.parametrize(
    ("step", "held", "charged"),
    [
        (_die_in_the_middle_of(0), 0, 0),
        (_die_in_the_middle_of(1), 0, 0),
        (_reserve_and_die, 1, 0),
        (_die_in_the_middle_of(2), 1, 0),
        (_send_and_die, 1, 1),
        (_die_in_the_middle_of(3), 1, 1),
    ],
    ids=["in sweep", "in reserve", "after reserve", "in mark_sent", "after mark_sent", "in settle"],
)
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_killed_at_each_step(tmp_path: Path, step: Callable[[Path], None], held: int, charged: int) -> None:
    path = tmp_path / "ledger.sqlite"
    SqliteStore(path).close()
    child = os.fork()
    if child == 0:
        try:
            step(path)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    ahead = Clock(time.time())
    store = SqliteStore(path, clock=ahead)
    limited = replace(CLAIM, caps=Caps(concurrency=1))
    assert isinstance(store.reserve(limited), Refusal if held else Grant)
    ahead.now += 1000
    assert sum(d.used.calls for d in SqliteStore(path, clock=ahead).history() if d.lane == LANE) == charged
