"""How long the dashboard's questions take where 100,000 runs are kept, and the pages themselves; what so many runs
cost the one that begins; and how soon the demo is there. JSON lines.

Not part of `make bench`: python -m bench.board [RUNS] [DIRECTORY]. What is kept in a DIRECTORY is used again.
"""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from bench.figure import emit, wall_s
from llm.kept.board.filters import Filter, choices
from llm.kept.board.overview import overview
from llm.kept.board.providers import providers
from llm.kept.board.quotas import quota_board
from llm.kept.board.runs import runs
from llm.kept.board.speed import speed
from llm.kept.board.trace import trace
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_rows import CandidateRow, Ending
from llm.ledger.trace_schema import KIND
from llm.ledger.traces import TraceStore

RUNS = 100_000
DAYS = 90
TARGET = "under 300 ms"
LANES = ("openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5", "local/qwen2.5-7b")
STAGES = ("types", "build", "tests", "style", "docs", "general")
CAUSES = ("rate_limit", "server", "timeout", "daily_calls", "rpm", "hard_quota")
REASONS = ("checks_red", "invalid_diff", "overfit", "timeout", "duplicate", "cancelled")
WORKSPACES = tuple(f"/home/dev/{name}" for name in ("shop", "billing", "search", "site"))
_REPEAT = 15
_ADDRESS = re.compile(r"listening on (http://\S+),")


def main(count: int = RUNS, place: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(place or folder).resolve() / "ledger.traces.sqlite"
        if not path.exists():
            fill(path, count)
            emit("board.migration", wall_s(lambda: TraceStore(path).close()), "s", runs=count)
        emit("board.file", path.stat().st_size / (1 << 20), "MiB", runs=count)
        questions(path, count)
        pages(path, count)
        run(path, count)
    began = time.perf_counter()
    with served({}, "--demo"):
        emit("board.demo", time.perf_counter() - began, "s until it listens", "under 2 s")


def pages(path: Path, count: int) -> None:
    """Each page through the server, as one browser asks for it: everything that is kept."""
    with TraceFigures.at(path) as figures:
        found = runs(figures, Filter(0, time.time()), limit=1).runs[0].trace_id
    with served({"TORRE_LEDGER": str(path.with_name("ledger.sqlite"))}, "--root", str(path.parent)) as url:
        for name in ("", "quotas", "providers", "speed", "runs"):
            get(f"board.page.{name or 'overview'}", f"{url}/{name}", count, time="90d")
        get("board.page.trace", f"{url}/runs/{found}", count)


def get(figure: str, url: str, count: int, **query: str) -> None:
    with httpx2.Client(params=query) as client:

        def once() -> None:
            client.get(url, timeout=60).raise_for_status()

        report(figure, once, count)


@contextmanager
def served(env: Mapping[str, str], *options: str) -> Iterator[str]:
    """A server with a user of its own, and where it is."""
    with tempfile.TemporaryDirectory() as home:
        told = {**os.environ, "XDG_CONFIG_HOME": f"{home}/config", "XDG_STATE_HOME": f"{home}/state", **env}
        argv = [str(Path(sys.executable).with_name("torre")), "serve", "--port", "0", *options]
        with subprocess.Popen(
            argv, env=told, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stderr is not None
            try:
                yield next(found[1] for line in server.stderr if (found := _ADDRESS.search(line)))
            finally:
                server.terminate()


def questions(path: Path, count: int) -> None:
    """Each page's questions, on a connection of their own, as a request has it."""
    now = time.time()
    every = Filter(now - DAYS * 86400, now + 1)
    some = Filter(now - 30 * 86400, now + 1, workspace=WORKSPACES[0], stage="tests", provider=LANES[0])
    with TraceFigures.at(path) as figures:
        found = runs(figures, every, limit=1).runs[0].trace_id
        deep = runs(figures, Filter(0, now - 80 * 86400), limit=50).next
    rare = Filter(every.since, every.until, outcome="rolled_back", cause="hard_quota")
    ask("board.choices", path, count, choices)
    for name, chosen in (("all", every), ("some", some)):
        ask(f"board.overview.{name}", path, count, partial(overview, chosen=chosen, timezone="Europe/Berlin"))
        ask(f"board.quotas.{name}", path, count, partial(quota_board, root=path.parent, env={}, chosen=chosen))
        ask(f"board.providers.{name}", path, count, partial(providers, chosen=chosen))
        ask(f"board.speed.{name}", path, count, partial(speed, chosen=chosen))
        ask(f"board.runs.{name}", path, count, partial(runs, chosen=chosen))
    ask("board.runs.deep", path, count, partial(runs, chosen=every, cursor=deep))
    ask("board.runs.rare", path, count, partial(runs, chosen=rare))
    ask("board.trace", path, count, partial(trace, trace_id=found[:8]))


def ask(figure: str, path: Path, count: int, question: Callable[[TraceFigures], Any]) -> None:
    def once() -> None:
        with TraceFigures.at(path) as figures:
            question(figures)

    report(figure, once, count)


def report(figure: str, once: Callable[[], None], count: int) -> None:
    once()
    began = time.process_time()
    taken = [wall_s(once) * 1000 for _ in range(_REPEAT)]
    told = {"p95": round(statistics.quantiles(taken, n=20)[-1], 1)}
    told["own_cpu"] = round((time.process_time() - began) * 1000 / _REPEAT, 1)
    emit(figure, statistics.median(taken), "ms", TARGET, **told, runs=count)


def run(path: Path, count: int) -> None:
    """What a run has to do with the store, from opening to its end; and finding one by the beginning of its id."""
    ending = Ending(
        "types", "PATCH", 0, "1 of 1 checks turned green", 4100, candidates=(CandidateRow(0, "a/b", "", ""),)
    )
    taken, found = [], []
    for _ in range(_REPEAT):
        began, trace_id = time.perf_counter(), str(uuid.uuid4())
        with closing(TraceStore(path)) as store:
            store.begin(trace_id, WORKSPACES[0])
            store.finish(trace_id, ending)
            taken.append(time.perf_counter() - began)
            found.append(wall_s(partial(store.run, trace_id[:13])))
    emit("board.run", statistics.median(taken) * 1000, "ms to open, begin and finish", runs=count)
    emit("board.find", statistics.median(found) * 1000, "ms to find a run by a prefix", runs=count)


def fill(path: Path, count: int) -> None:
    """A file of the first version, as an older Torre left it; about two attempts and five candidates a run."""
    dice = random.Random(6)
    began = time.time() - DAYS * 86400
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA page_size = {KIND.page_bytes}; PRAGMA journal_mode = WAL; {KIND.scripts[0]}")
        db.execute(KIND.begin, (uuid.UUID(int=dice.getrandbits(128)).hex,))
        for first in range(0, count, 5000):
            made = [
                _Run(dice, n, began + DAYS * 86400 * n / count)
                for n in range(first + 1, min(count, first + 5000) + 1)
            ]
            for table, rows in (("run", "row"), ("attempt", "attempts"), ("candidate", "candidates")):
                told = [row for one in made for row in getattr(one, rows)]
                db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(told[0]))})", told)
        db.execute(f"PRAGMA application_id = {KIND.application}")
        db.execute("PRAGMA user_version = 1")
        db.commit()


class _Run:
    """The rows of one run."""

    def __init__(self, dice: random.Random, number: int, started: float) -> None:
        self._dice, self._number, self._started = dice, number, started
        self._trace_id = str(uuid.UUID(int=dice.getrandbits(128)))
        self._stage = dice.choice(STAGES)
        self._lanes = dice.sample(LANES, dice.choice((0, 1, 1, 2, 2, 3)))
        winner = dice.choice([*self._lanes, "embedded/fixers", "embedded/fixers"])
        self._winner = winner if dice.random() < 0.6 else ""
        self.attempts = list(self._attempts())
        self.candidates = list(self._candidates())
        self.row = [self._row()]

    def _row(self) -> tuple[Any, ...]:
        ended, green = self._dice.random() > 0.02, bool(self._winner)
        duration_ms = round(self._dice.lognormvariate(9.5, 0.9))
        skipped = (
            [{"provider": LANES[0], "reason": "quota", "detail": "daily_calls"}]
            if self._dice.random() < 0.1
            else []
        )
        details: dict[str, Any] = {
            "why": "it passed",
            "decision": {"rule": "default:types", "skipped": skipped, "stub": False},
        }
        details["checks"] = [{"name": "pytest", "before": {"status": "red", "output": "E " * 900}}]
        code = 0 if green else self._dice.choice((1, 1, 1, 3, 4))
        begin = (
            self._number,
            self._trace_id,
            self._started,
            self._started + duration_ms / 1000 if ended else None,
        )
        what = (
            self._dice.choice(WORKSPACES),
            "0" * 64,
            self._stage if ended else "",
            "PATCH" if green else "ADVISORY",
        )
        how = (code, "1 of 1 checks turned green", duration_ms if ended else None, 0 if green else None)
        return (
            *begin,
            *what,
            *how,
            self._winner,
            "answer 1",
            "x" * 600 if green else "",
            "full",
            json.dumps(details),
            "",
        )

    def _attempts(self) -> Iterator[tuple[Any, ...]]:
        for lane in self._lanes:
            for number in range(1, self._dice.choice((1, 1, 1, 2)) + 1):
                cause = "ok" if self._dice.random() < 0.85 else self._dice.choice(CAUSES)
                yield (
                    *(
                        self._number,
                        self._trace_id,
                        lane,
                        "model-1",
                        "openai",
                        number,
                        self._started + number,
                        cause,
                    ),
                    *(
                        None,
                        4000,
                        700,
                        0,
                        self._dice.randrange(500, 60_000),
                        "2026-01-01",
                        self._dice.randrange(40),
                    ),
                    *(
                        round(self._dice.lognormvariate(8.4, 0.7)),
                        2,
                        900,
                        0,
                        "0" * 64,
                        self._stage,
                        "udiff",
                        "",
                        "",
                    ),
                )

    def _candidates(self) -> Iterator[tuple[Any, ...]]:
        for number in range(self._dice.randrange(2, 9)):
            lane = (
                self._winner
                if number == 0 and self._winner
                else self._dice.choice([*self._lanes, "embedded/fixers"])
            )
            reason = "" if number == 0 and self._winner else self._dice.choice(REASONS)
            yield (
                *(
                    self._number,
                    number,
                    lane,
                    "answer 1",
                    "y" * self._dice.randrange(200, 900),
                    reason,
                    "pytest",
                    1,
                    0,
                ),
                *('["pytest::a"]', "[]", 1, 4, 3000, 4000, 700, 900, 0, 1, '{"pytest": "green"}'),
            )


if __name__ == "__main__":
    main(*(convert(text) for convert, text in zip((int, str), sys.argv[1:], strict=False)))
