"""Each parser under a fuzzer, for TORRE_FUZZ_SECONDS (3 by default); `make soak` gives each ten minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import prepare

SECONDS = float(os.environ.get("TORRE_FUZZ_SECONDS", "3"))
START_S = 60
"""To import everything with instruments in it, on a loaded machine."""
TARGETS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
SEEDS = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))


def fuzz(name: str, seconds: float, place: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tests.fuzz", name, str(seconds), str(place)]
    return subprocess.run(
        argv,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + START_S,
        check=False,
    )


def found(place: Path) -> list[bytes]:
    return [path.read_bytes() for kind in ("crash", "timeout", "oom") for path in place.glob(f"{kind}-*")]


@pytest.mark.timeout(SECONDS + 2 * START_S)
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str, tmp_path: Path) -> None:
    done = fuzz(name, SECONDS, tmp_path)
    assert done.returncode == 0, f"{done.stderr[-3000:]}\nthe input: {found(tmp_path)}"
    assert not found(tmp_path)


@pytest.mark.timeout(2 * START_S)
def test_a_planted_defect_is_found(tmp_path: Path) -> None:
    done = fuzz("planted", 30, tmp_path)
    assert done.returncode != 0
    assert [data[:4] for data in found(tmp_path)] == [b"FUZ!"]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_found_once_stays_mended(seed: str, tmp_path: Path) -> None:
    """The corpus: hand-written seeds, and each input that a fuzzer found (`found-*`)."""
    prepare(tmp_path)[seed.partition("/")[0]]((CORPUS / seed).read_bytes())
