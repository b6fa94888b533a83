"""A real server over traces that were kept by the stores' own methods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.ledger.home import place_of
from llm.ledger.trace_rows import Attempt, CandidateRow, Change, Ending
from llm.ledger.traces import TraceStore
from tests.dashboard.reading import Document
from tests.server import conftest as served
from tests.server.conftest import Server, environment, project, start

serve = served.serve
PAGES = ("/", "/quotas", "/providers", "/speed", "/runs")
HTML = {"Accept": "text/html,application/xhtml+xml"}
OPENAI, GOOGLE, EMBEDDED = "openai/gpt-4o", "google/gemini-1.5", "embedded/fixers"
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,1 @@\n-import os\n VALUE = 1\n"
_DAY_S = 86_400.0
GREEN, RED, CHEAP, LOST = (f"{number:08x}-0000-4000-8000-000000000000" for number in range(1, 5))
"""Runs: won by a lane after another was refused; without a winner; won by the fixers; interrupted."""


class Author:
    """Keeps runs in a project's traces, each at its time."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self._now = time.time()
        self.root = root
        self.store = TraceStore(*place_of("traces.sqlite", root, env), clock=lambda: self._now)

    def begin(self, trace_id: str, days_ago: float, workspace: str = "") -> None:
        self._now = time.time() - days_ago * _DAY_S
        self.store.begin(trace_id, workspace or str(self.root), "policy-1")

    def attempt(self, trace_id: str, lane: str, cause: str = "ok", **fields: Any) -> None:
        given = {"tokens_in": 900, "tokens_out": 100, "usd_micros": 3000, "provider_ms": 1500, "stage": "types"}
        given |= {"usd_micros": 0, "tokens_in": 0, "tokens_out": 0} if cause != "ok" else {}
        one = {"reserved_usd_micros": 4000, **given, **fields}
        self.store.add_attempt(Attempt(trace_id, lane, "model-1", "openai", 1, self._now, cause, **one))

    def end(self, trace_id: str, seconds: float, *candidates: CandidateRow, **fields: Any) -> None:
        self._now += seconds
        won = next((one for one in candidates if not one.reason), None)
        given: dict[str, Any] = {
            "mode": "PATCH" if won else "ADVISORY",
            "exit_code": 0 if won else 1,
            "winner": won.number if won else None,
            "winner_lane": won.provider if won else "",
            "winner_origin": won.origin if won else "",
            "diff": won.diff if won else "",
            "stage": "types",
            "summary": "1 red item turned green" if won else "no candidate passed",
            "details": {"why": "it passed", "checks": [{"name": "mypy", "before": {"status": "red"}}]},
            **fields,
        }
        ending = Ending(duration_ms=round(seconds * 1000), candidates=candidates, **given)
        self.store.finish(trace_id, ending)

    def change(self, trace_id: str, what: str) -> None:
        self.store.note_change(trace_id, Change(self._now + 60, what, "cli"))


def candidate(number: int, lane: str, reason: str = "", **fields: Any) -> CandidateRow:
    given: dict[str, Any] = {"origin": f"answer {number}", "diff": DIFF, "checks": {"mypy": "green"}, **fields}
    return CandidateRow(number, lane, reason=reason, ttg_ms=2000, **given)


def keep_runs(root: Path, env: dict[str, str]) -> None:
    """Four runs of the last days."""
    author = Author(root, env)
    author.begin(GREEN, 5)
    author.attempt(GREEN, GOOGLE, "rpm")
    author.attempt(GREEN, OPENAI, verdict="passed")
    author.end(GREEN, 12, candidate(0, OPENAI, attempt=1))
    author.change(GREEN, "applied")
    author.begin(RED, 3)
    author.attempt(RED, OPENAI, "timeout")
    author.end(RED, 40, candidate(0, EMBEDDED, "checks_red"))
    author.begin(CHEAP, 2)
    author.end(CHEAP, 3, candidate(0, EMBEDDED), stage="style")
    author.begin(LOST, 1)
    author.store.close()


def seen(server: Server, path: str, status: int = 200) -> Document:
    """The page at `path`, as a browser asks for it."""
    answer = server.get(path, headers=HTML)
    assert answer.status_code == status, (path, answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Document(answer.text)
    assert not page.unclosed, path
    return page


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    return environment(home)


@pytest.fixture(scope="module")
def root(home: Path) -> Path:
    return project(home, "app")


@pytest.fixture(scope="module")
def server(root: Path, env: dict[str, str]) -> Iterator[Server]:
    """Over the four runs, for this machine alone."""
    keep_runs(root, env)
    running = start(root, env, "--rate", "1000")
    yield running
    assert running.stop() == 0, running.log
