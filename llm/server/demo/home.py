"""Where the demo lives: a private directory with a project, its traces and ledger, and settings of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from llm.ledger.sqlite import SqliteStore
from llm.ledger.traces import TraceStore
from llm.server.demo.project import make_project
from llm.server.demo.runs import DAYS, Clock, fill, go_on

_NOT_ITS_OWN = ("TORRE_", "PROVIDERS_", "OTEL_")
"""What the user set for real runs does not hold here; keys do not either, so that nobody is called, and no
collector hears of them."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What a server is to serve: the project at `root`, and the environment that its runs see."""

    root: Path
    env: Mapping[str, str]


@contextmanager
def demo(env: Mapping[str, str]) -> Iterator[Demo]:
    """Make it; it is gone when the block ends. One of its runs goes on for as long."""
    with tempfile.TemporaryDirectory(prefix="torre-demo-") as folder:
        place = Path(folder).resolve()
        root, ledger = place / "acme", place / "ledger.sqlite"
        workspaces = make_project(root)
        now = time.time()
        clock = Clock(now - DAYS * 86400)
        with (
            closing(TraceStore(place / "ledger.traces.sqlite", clock=clock)) as traces,
            closing(SqliteStore(ledger, clock=clock)) as counted,
        ):
            fill(traces, counted, clock, workspaces, now)
        with closing(TraceStore(traces.path)) as traces:  # what the one before did not finish was interrupted
            go_on(traces, workspaces[0])
            yield Demo(root, _environment(env, place, ledger))


def _environment(env: Mapping[str, str], place: Path, ledger: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in env.items()
        if not name.startswith(_NOT_ITS_OWN) and not name.endswith("_API_KEY")
    }
    homes = {f"XDG_{kind}_HOME": str(place / kind.lower()) for kind in ("STATE", "CONFIG")}
    return {**kept, **homes, "TORRE_LEDGER": str(ledger)}
