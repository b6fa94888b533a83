"""A store of ten runs that can be counted by hand: two days, two workspaces, two lanes, every way to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from llm.kept.board.filters import Filter
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_rows import CandidateRow, Change, Ending
from llm.ledger.traces import TraceStore
from tests.ledger.conftest import NOON, Clock
from tests.ledger.traced import attempt

GPT, CLAUDE, FIXERS = "openai/gpt-4o", "anthropic/claude-3.5", "embedded/fixers"
APP, LIB = "/home/dev/app", "/home/dev/lib"
NEXT_DAY = NOON + 86400
ALL = Filter(NOON - 86400, NEXT_DAY + 86400)
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-old\n+new\n"
RAN = {"mypy": "green"}


def trace_id(letter: str) -> str:
    """The id of the run of that letter."""
    return f"{letter * 8}-0000-4000-8000-000000000000"


class Runs:
    """Keeps runs by their letters."""

    def __init__(self, store: TraceStore, clock: Clock) -> None:
        self.store = store
        self._clock = clock

    def begin(self, letter: str, at: float, workspace: str, *attempts: tuple[str, dict[str, Any]]) -> None:
        """A run, and its attempts: lane and what differs from one that was answered."""
        self._clock.now = at
        self.store.begin(trace_id(letter), workspace, "p" * 64)
        for place, (lane, fields) in enumerate(attempts):
            number = 1 + sum(other == lane for other, _ in attempts[:place])
            self.store.add_attempt(attempt(trace_id(letter), number, lane, **{"at": at + 1 + place, **fields}))

    def end(
        self, letter: str, stage: str, mode: str, code: int, ms: int, *rows: CandidateRow, **more: Any
    ) -> None:
        """Its end. The first candidate wins where the mode is PATCH."""
        won = rows[0] if mode == "PATCH" else None
        given = {"diff": DIFF if won else "", "details": {"why": "it passed"}, **more}
        lane = won.provider if won else ""
        winner = won.number if won else None
        self._clock.now += ms / 1000
        told = Ending(stage, mode, code, "", ms, winner, lane, "answer", candidates=rows, **given)
        self.store.finish(trace_id(letter), told)

    def change(self, letter: str, what: str, at: float, who: str = "cli", reason: str = "") -> None:
        """What was done with its patch."""
        self.store.note_change(trace_id(letter), Change(at, what, who, reason))


def shown(number: int, lane: str, reason: str = "", **fields: Any) -> CandidateRow:
    """A candidate."""
    return CandidateRow(number, lane, "answer", DIFF, reason, checks=RAN, ttg_ms=2000, **fields)


def skipped(lane: str, cap: str) -> dict[str, Any]:
    """The details of a run in which a lane was not asked."""
    left_out = [{"provider": lane, "reason": "quota", "detail": cap}]
    return {"decision": {"rule": "default:tests", "reason": "…", "skipped": left_out, "stub": False}}


@contextmanager
def ten(place: Path) -> Iterator[Runs]:
    """The ten, the newest still going on. What each is there for stands beside it."""
    clock = Clock()
    first = TraceStore(place / "traces.sqlite", clock=clock)
    kept = Runs(first, clock)
    kept.begin("a", NOON, APP, (GPT, {"usd_micros": 3000, "reserved_usd_micros": 9000}))  # green, applied, undone
    kept.end("a", "types", "PATCH", 0, 4000, shown(0, GPT, attempt=1), shown(1, FIXERS, "checks_red"))
    kept.change("a", "applied", NOON + 60)
    kept.change("a", "undone", NOON + 120, who="7f3a90c1")
    free = {"usd_micros": 0, "reserved_usd_micros": 8000, "provider_ms": 0}
    failures = [(GPT, {"cause": cause, "stage": "tests", **free}) for cause in ("timeout", "server")]
    answer = {
        "usd_micros": 5000,
        "stage": "tests",
        "queue_ms": 500,
        "provider_ms": 3500,
        "reserved_usd_micros": 8000,
    }
    kept.begin("b", NOON + 3600, APP, *failures, (CLAUDE, answer))  # the other lane answers, applied
    kept.end("b", "tests", "PATCH", 0, 8000, shown(0, CLAUDE, attempt=1))
    kept.change("b", "applied", NOON + 3700)
    kept.begin("c", NEXT_DAY, LIB)  # the embedded fixers alone, rolled back
    kept.end("c", "types", "PATCH", 0, 1000, shown(0, FIXERS))
    kept.change("c", "rolled_back", NEXT_DAY + 9, reason="on the real files mypy is red")
    kept.begin("d", NEXT_DAY + 60, LIB, (GPT, {"usd_micros": None}))  # a price that nobody knows, nothing proven
    kept.end("d", "types", "ADVISORY", 1, 10_000, shown(0, GPT, "checks_red", attempt=1))
    kept.begin("e", NEXT_DAY + 120, APP, (CLAUDE, {"cause": "rpm", "stage": "tests", **free}))  # refused by caps
    kept.end("e", "tests", "ADVISORY", 4, 500, details=skipped(GPT, "daily_calls"))
    kept.begin("f", NEXT_DAY + 180, APP)
    kept.end("f", "general", "ADVISORY", 0, 300)  # nothing was red
    kept.begin("1", NEXT_DAY + 240, APP)
    kept.end("1", "docs", "ADVISORY", 1, 700, diff=DIFF)  # a diff that is not proven
    kept.begin("2", NEXT_DAY + 300, APP, (GPT, {"cause": "auth", "status": 401, "stage": "build", **free}))
    kept.end("2", "build", "ADVISORY", 3, 900)  # the only lane failed
    kept.begin("3", NEXT_DAY + 360, APP, (GPT, {"usd_micros": 700}))  # interrupted
    first.close()
    with closing(TraceStore(first.path, clock=clock)) as store:
        again = Runs(store, clock)
        again.begin("4", NEXT_DAY + 420, APP)  # going on
        yield again


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """The ten, to be added to."""
    with ten(tmp_path) as kept:
        yield kept


@pytest.fixture(scope="session")
def same_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The ten, only to be looked at."""
    with ten(tmp_path_factory.mktemp("kept")) as kept:
        yield kept


@pytest.fixture
def figures(same_runs: Runs) -> Iterator[TraceFigures]:
    with TraceFigures.at(same_runs.store.path) as opened:
        yield opened
