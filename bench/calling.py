"""Processes that make calls (`bench.callers`), and the environment that LiteLLM is installed in."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

LITELLM = "1.106.2"
"""1.82.7 and 1.82.8 carried malware: the version is pinned, and the environment is thrown away afterwards."""

_INSTALL_S = 120
_ROOT = Path(__file__).resolve().parents[1]


class Made(NamedTuple):
    """What came of some calls: how many brought an answer, and what they took together."""

    made: int
    cpu_s: float
    wall_s: float


class Caller:
    """A process that makes calls of one kind when it is told to."""

    def __init__(self, process: subprocess.Popen[str], terms: dict[str, Any]) -> None:
        self._process = process
        self._tell(json.dumps(terms))

    def start(self, calls: int, at_once: int = 1) -> None:
        """Begin; `finish` waits for the end."""
        self._tell(f"{calls} {at_once}")

    def finish(self) -> Made:
        """What came of the calls that were started; nothing, where the process ended instead."""
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        return Made(**json.loads(told)) if told else Made(0, 0.0, 0.0)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # one that ended tells nothing either: `finish` sees it
            os.write(self._process.stdin.fileno(), f"{line}\n".encode())

    def call(self, calls: int, at_once: int = 1) -> Made:
        """Make some calls and wait for them."""
        self.start(calls, at_once)
        return self.finish()


@contextlib.contextmanager
def caller(kind: str, terms: dict[str, Any], python: str = sys.executable) -> Iterator[Caller]:
    """A process of `python` that makes calls of this kind (a module of `bench.callers`) under these terms."""
    argv = [python, "-m", "bench.callers", kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, cwd=_ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Caller(process, terms)
        finally:
            process.kill()


def burst(callers: Sequence[Caller], calls: int) -> int:
    """All at once, shared out over the processes; how many brought an answer."""
    for one in callers:
        one.call(0)  # none begins before all have imported what they need
    shares = [calls // len(callers) + (number < calls % len(callers)) for number in range(len(callers))]
    for one, share in zip(callers, shares, strict=True):
        one.start(share, share)
    return sum(one.finish().made for one in callers)


def install_litellm(folder: Path) -> str:
    """The interpreter of an environment in `folder` that has LiteLLM, "" where it cannot be had here."""
    python = folder / "litellm" / "bin" / "python"
    uv = [str(Path(sys.executable).with_name("uv"))]
    packages = [f"litellm=={LITELLM}", "redis"]
    try:
        for argv in (
            [*uv, "venv", str(python.parents[1])],
            [*uv, "pip", "install", "--python", str(python), *packages],
        ):
            subprocess.run(argv, check=True, capture_output=True, timeout=_INSTALL_S)
    except (OSError, subprocess.SubprocessError):
        return ""
    return str(python)
