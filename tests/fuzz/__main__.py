"""Fuzz one target for some seconds: `python -m tests.fuzz TARGET SECONDS PLACE` (an empty directory).

With atheris it is guided by coverage; where there is no wheel of it for the platform, the corpus is spliced at
random. Exit code 0: nothing was found. What was found is written to PLACE as `crash-*`, `timeout-*` or `oom-*`.
While a target runs, nothing may be written and no process started: the parsers only read.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
_LOGS = Path(__file__).parents[1] / "golden" / "logs"
_SLOWEST_S = 20
"""For one input of a few kilobytes on a loaded machine; a quadratic pattern is found by `test_large.py`."""
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate")


class _Guard:
    """An audit hook: while `armed`, whatever would change anything outside of memory is a find."""

    def __init__(self) -> None:
        self.armed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        assert not writes and event not in (*_STARTS, *_CHANGES), f"{event} of {arguments}"


def main(name: str, seconds: float, place: Path) -> None:
    """See above. With atheris this does not return."""
    os.environ["PATH"] = str(place)  # no git: placing hunks is what is tested
    guided = find_spec("atheris") is not None
    with _instruments(guided):
        from tests.fuzz.targets import prepare

        target, guard = prepare(place)[name], _Guard()
        for seed in _seeds(name):
            target(seed)  # what is imported at first use is imported now
    sys.addaudithook(guard)

    def watched(data: bytes) -> None:
        guard.armed = name != "policy"  # which is written to a file first
        try:
            target(data)
        finally:
            guard.armed = False

    if guided:
        import atheris

        atheris.Setup(_options(name, seconds, place), watched)
        atheris.Fuzz()
    else:
        _splice(list(_seeds(name)), watched, time.monotonic() + seconds, place)


def _instruments(guided: bool) -> AbstractContextManager[Any]:
    if not guided:
        return nullcontext()
    import atheris

    made: AbstractContextManager[Any] = atheris.instrument_imports(
        include=["llm", "unidiff", "yaml", "tests.fuzz.targets"]
    )
    return made


def _options(name: str, seconds: float, place: Path) -> list[str]:
    growing = place / "corpus"
    growing.mkdir()
    for path in _seed_files(name):
        shutil.copy(path, growing)
    words = CORPUS / f"{name}.dict"
    limits = [f"-max_total_time={max(1, round(seconds))}", f"-timeout={_SLOWEST_S}", "-max_len=8192"]
    more = [f"-artifact_prefix={place}/", *([f"-dict={words}"] if words.exists() else [])]
    return [sys.argv[0], *limits, *more, "-verbosity=1", "-print_final_stats=1", str(growing)]


def _seeds(name: str) -> Iterator[bytes]:
    yield b""
    yield from (path.read_bytes() for path in _seed_files(name))


def _seed_files(name: str) -> list[Path]:
    """Its own, and for the logs what real tools wrote."""
    return sorted((CORPUS / name).glob("*")) + (sorted(_LOGS.glob("*.log")) if name == "log" else [])


def _splice(seeds: list[bytes], target: Any, until: float, place: Path) -> None:
    """Lines of all seeds, cut and joined at random."""
    lines = [line for seed in seeds for line in seed.splitlines(keepends=True)] or [b"F", b"U", b"Z", b"!"]
    while time.monotonic() < until:
        made = random.choice(seeds).splitlines(keepends=True)
        for _ in range(random.randint(1, 6)):
            at = random.randint(0, len(made))
            made[at : at + random.randint(0, 3)] = random.choices(lines, k=random.randint(0, 3))
        data = b"".join(made)
        try:
            target(data)
        except BaseException:
            (place / "crash-spliced").write_bytes(data)
            raise


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
