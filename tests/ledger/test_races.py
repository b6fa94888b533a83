"""Sixty-four processes race for ten calls: exactly ten are made, by every bucket, in both stores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def calls_made(address: str, kind: str, processes: int, folder: Path) -> int:
    """How many calls so many processes made, each of which tries three times."""
    calls = folder / "calls"
    argv = [sys.executable, "-m", "tests.ledger.racers", address, kind, str(processes), str(calls)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    return len(calls.read_text().splitlines())


@pytest.mark.parametrize("kind", ["rpm", "daily_calls", "tokens", "usd", "budget", "run", "all"])
def test_sixty_four_processes_make_exactly_ten_calls(address: str, kind: str, tmp_path: Path) -> None:
    assert calls_made(address, kind, 64, tmp_path) == 10


def test_without_reservations_the_same_race_makes_more(tmp_path: Path) -> None:
    assert calls_made("", "naive", 64, tmp_path) > 10


def test_no_process_is_refused_what_is_there(address: str, tmp_path: Path) -> None:
    assert calls_made(address, "none", 8, tmp_path) == 24
