"""`torre serve --demo`: all that a dashboard can show, quickly, and nothing of it stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from llm.kept.board.filters import OUTCOMES, Filter, choices
from llm.kept.board.overview import overview
from llm.kept.board.providers import providers
from llm.kept.board.quotas import quota_board
from llm.kept.board.runs import runs
from llm.ledger.home import open_figures
from llm.ledger.sqlite import SqliteStore
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.traces import TraceStore
from llm.server.demo.home import demo
from llm.server.demo.runs import DAYS, Clock, fill, go_on

TORRE = Path(sys.executable).with_name("torre")


def test_it_shows_every_outcome_stage_lane_and_cap() -> None:
    users = {"OPENAI_API_KEY": "sk-of-the-user", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test"}
    with demo({**os.environ, **users}) as made:
        assert not users.keys() & made.env.keys()
        now = time.time()
        chosen = Filter(now - 30 * 86400, now + 1)
        with open_figures(made.root, made.env) as figures:
            told = choices(figures)
            assert len(told.workspaces) == 3 and len(told.stages) == 6 and len(told.providers) == 5
            counted = [runs(figures, Filter(chosen.since, chosen.until, outcome=each)).total for each in OUTCOMES]
            assert all(counted), dict(zip(OUTCOMES, counted, strict=True))
            assert overview(figures, chosen).totals.running == 1
            board = providers(figures, chosen)
            assert board.fallbacks and {row.refused for row in board.errors} == {True, False}
            caps = quota_board(figures, made.root, made.env, chosen)
            assert caps.refused and any(gauge.cap and gauge.settled for gauge in caps.gauges)
        assert not caps.enabled and "OPENAI_API_KEY" not in made.env  # nobody is called for a demonstration
        assert made.root.is_dir()
        fixed = subprocess.run(
            [TORRE, "fix", made.root], env=made.env, capture_output=True, text=True, check=False
        )
        assert fixed.returncode == 0 and "GREEN in" in fixed.stdout
    assert not made.root.exists() and not made.root.parent.exists()


def test_it_is_served_at_once_says_what_it_is_and_is_gone_afterwards(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    began = time.monotonic()
    argv = [str(TORRE), "serve", "--demo", "--port", "0"]
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server:
        assert server.stderr is not None
        try:
            told = [server.stderr.readline(), server.stderr.readline()]
            took_s = time.monotonic() - began
            assert "demo data" in told[0] and re.search("listening on http://127.0.0.1", told[1])
            assert took_s < 20  # 2 s where nothing else runs; see `python -m bench.board`
            url = told[1].split()[3].rstrip(",")
            with urllib.request.urlopen(f"{url}/healthz", timeout=20) as answer:
                assert answer.status == 200
            (folder,) = tmp_path.iterdir()
            assert folder.stat().st_mode & 0o077 == 0
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_it_has_a_project_of_its_own(tmp_path: Path) -> None:
    argv = [str(TORRE), "serve", "--demo", "--root", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--demo: it has a project of its own" in done.stderr


def test_a_day_that_has_just_begun_has_calls_to_count(tmp_path: Path) -> None:
    midnight = time.time() // 86400 * 86400
    clock = Clock(midnight - DAYS * 86400)
    with (
        closing(TraceStore(tmp_path / "traces.sqlite", clock=clock)) as traces,
        closing(SqliteStore(tmp_path / "ledger.sqlite", clock=clock)) as counted,
    ):
        fill(traces, counted, clock, [tmp_path], midnight + 90)
        assert any(attempt.usd_micros for attempt in traces.attempts(midnight))


@pytest.mark.parametrize("day", range(7))
def test_every_outcome_is_shown_whatever_day_of_the_week_it_is(day: int, tmp_path: Path) -> None:
    """On some days no run was left in which every lane had failed."""
    now = 1_796_083_200.0 + day * 86400 + 5 * 3600
    clock = Clock(now - DAYS * 86400)
    with (
        closing(TraceStore(tmp_path / "traces.sqlite", clock=clock)) as traces,
        closing(SqliteStore(tmp_path / "ledger.sqlite", clock=clock)) as counted,
    ):
        fill(traces, counted, clock, [tmp_path], now)
    with closing(TraceStore(tmp_path / "traces.sqlite", clock=clock)) as traces:
        go_on(traces, tmp_path)
        with TraceFigures.at(tmp_path / "traces.sqlite", None) as figures:
            chosen = (Filter(now - 30 * 86400, now + 1, outcome=each) for each in OUTCOMES)
            told = [runs(figures, each).total for each in chosen]
    assert [each for each, count in zip(OUTCOMES, told, strict=True) if not count] == []
