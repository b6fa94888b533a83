"""A trace store of an older Torre is brought up to date with all that is in it, by one of those that open it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from llm.errors import LedgerError
from llm.kept.board.overview import overview
from llm.kept.usage import group
from llm.ledger.home import open_figures, open_traces
from llm.ledger.sent import REFUSALS, WENT_OUT, went_out
from llm.ledger.sqlite_file import upgrade
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_filter import Filter
from llm.ledger.trace_rows import Change
from llm.ledger.trace_schema import KIND
from llm.ledger.traces import TraceStore
from llm.providers.base import Cause
from llm.telemetry.seen import was_sent
from tests.ledger.conftest import NOON, Clock
from tests.ledger.test_races import ROOT
from tests.ledger.traced import LANE, attempt, ending

EVER = Filter(NOON - 86400, NOON + 86400)
OPEN = """
import sys
from pathlib import Path
from llm.ledger.traces import TraceStore
TraceStore(Path(sys.argv[1]), clock=lambda: float(sys.argv[2]))
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of the first version: two runs that ended, one of them green, and one that was interrupted."""
    path = tmp_path / "traces.sqlite"
    run = (
        "INSERT INTO run (trace_id, started, ended, workspace, policy_hash, stage, mode, exit_code, duration_ms, "
    )
    decision = {"skipped": [{"provider": "a/b", "reason": "quota", "detail": "rpm"}], "stub": False}
    details = json.dumps({"decision": decision})
    asked = (
        "1, 's', 'x/y', 'm', 'openai', 1, ?, ?, NULL, 10, 5, 0, ?, '', 1, 1500, 0, 9, 0, '', 'types', '', ?, ''"
    )
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; {KIND.scripts[0]}")
        db.execute(KIND.begin, ("0" * 32,))
        into = f"{run} winner_lane, details) VALUES (?, ?, ?, '/app', '', ?, ?, ?, ?, ?, ?)"
        db.execute(into, ("s", NOON, NOON + 4, "types", "PATCH", 0, 4000, "x/y", details))
        db.execute(into, ("t", NOON + 1, NOON + 2, "tests", "ADVISORY", 4, 1000, "", "{}"))
        db.execute(into, ("u", NOON + 2, None, "", "", None, None, "", "{}"))
        db.execute(f"INSERT INTO attempt VALUES ({asked})", (NOON, "ok", 3000, "passed"))
        db.execute(f"PRAGMA application_id = {KIND.application}")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    return path


def test_an_old_file_is_read_counted_and_written(old: Path) -> None:
    with closing(TraceStore(old, clock=Clock(NOON + 10))) as store:
        (one,) = store.run("s").attempts
        assert (one.usd_micros, one.verdict, one.reserved_usd_micros) == (3000, "passed", None)
        (rate,) = store.win_rates()
        assert (rate.asked, rate.proved, rate.won, rate.median_ms) == (1, 1, 1, 1500)
        store.begin("v", "/app")
        store.add_attempt(attempt("v", at=NOON + 10, reserved_usd_micros=9000))
        store.finish("v", ending())
        store.note_change("v", Change(NOON + 20, "applied", "cli"))
    with TraceFigures.at(old) as figures:
        (tally,) = figures.tallies(EVER, [EVER.since])
        assert {end: count for end, count in tally.ends.items() if count} == {
            "green": 2,
            "refused": 1,
            "interrupted": 1,
        }
        assert tally.changes["applied"] == 1
        (spend,) = figures.spends(EVER, [EVER.since])
        assert [(row.lane, row.usd_micros) for row in spend] == [(LANE, 3000), ("x/y", 3000)]
        assert figures.failures(EVER).causes == {("a/b", "rpm"): (1, 1)}
        assert figures.failures(EVER).instead == {("a/b", "x/y"): 1}


def test_looking_at_an_old_file_brings_it_up_to_date_too(old: Path) -> None:
    with TraceFigures.at(old) as figures:
        assert figures.count(EVER) == 3


def test_of_many_that_open_an_old_file_at_once_one_upgrades_it(old: Path) -> None:
    openers = [subprocess.Popen([sys.executable, "-c", OPEN, str(old), str(NOON)], cwd=ROOT) for _ in range(6)]
    assert [opener.wait(60) for opener in openers] == [0] * 6
    with TraceFigures.at(old) as figures:
        assert figures.count(EVER) == 3


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        before = list(db.iterdump())
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            upgrade(db, (*KIND.scripts, "INSERT INTO nowhere VALUES (1)"))
        assert list(db.iterdump()) == before
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    TraceStore(old).close()


def test_what_is_summed_up_is_what_is_summed_up_of_all(tmp_path: Path) -> None:
    """Run by run as it is written, or over the whole file as an upgrade does it: the same."""
    with closing(TraceStore(tmp_path / "traces.sqlite", clock=Clock())) as store:
        for name, cause in (("a", "ok"), ("b", "timeout"), ("c", "daily_calls")):
            store.begin(name, "/app")
            store.add_attempt(attempt(name, cause=cause))
            store.add_attempt(attempt(name, lane="other/lane"))
            store.set_verdict(name, "other/lane", 1, "checks_red")
        store.finish("a", ending())
        store.note_change("a", Change(NOON, "applied", "cli"))
    steps = [step for step in KIND.scripts[-1].split(";") if step.strip() and "INDEX" not in step]
    with closing(sqlite3.connect(tmp_path / "traces.sqlite", isolation_level=None)) as db:
        before = [row for table in ("share", "run") for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 3")]
        assert len(steps) == 5
        for step in steps:
            db.execute(step)
        after = [row for table in ("share", "run") for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 3")]
    assert after == before and len(before) == 9


def test_whoever_waited_for_an_upgrade_looks_again(old: Path) -> None:
    """One that a newer Torre makes meanwhile is refused, and stays at its version."""
    with closing(sqlite3.connect(old, isolation_level=None)) as newer:
        newer.execute("BEGIN IMMEDIATE")
        with subprocess.Popen([sys.executable, "-c", OPEN, str(old), str(NOON)], cwd=ROOT, stderr=-1) as waiting:
            end = time.monotonic() + 20
            while not _has_open(waiting.pid, old):
                assert time.monotonic() < end, "it never opened the file"
                time.sleep(0.01)
            time.sleep(0.3)
            newer.execute(f"PRAGMA user_version = {len(KIND.scripts) + 1}")
            newer.execute("COMMIT")
            assert b"newer Torre" in waiting.communicate(timeout=20)[1]
        assert newer.execute("PRAGMA user_version").fetchone() == (len(KIND.scripts) + 1,)


def _has_open(process: int, path: Path) -> bool:
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if file.readlink() == path:
                return True
    return False


def test_a_process_that_goes_on_is_not_broken_by_columns_of_a_newer_torre(tmp_path: Path) -> None:
    with closing(TraceStore(tmp_path / "traces.sqlite", clock=Clock())) as store:
        store.begin("a", "/app")
        with closing(sqlite3.connect(store.path)) as newer:
            for table in ("store", "run", "attempt", "candidate", "change", "share"):
                newer.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT ''")
        store.add_attempt(attempt("a", cause="timeout"))
        store.add_attempt(attempt("a", lane="other/lane"))
        skipped = [{"provider": "not/asked", "reason": "quota", "detail": "rpm"}]
        store.finish("a", ending(winner_lane="a/winner", details={"decision": {"skipped": skipped}}))
        store.note_change("a", Change(NOON, "applied", "cli"))
    with TraceFigures.at(tmp_path / "traces.sqlite") as figures:
        assert figures.lanes == ("a/winner", "not/asked", LANE, "other/lane")


def test_a_run_whose_process_died_is_summed_up_when_that_is_found(tmp_path: Path) -> None:
    (tmp_path / ".torre").mkdir()
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    argv = [sys.executable, "-m", "tests.ledger.traced", str(tmp_path), "a", "2", "die"]
    subprocess.run(argv, cwd=ROOT, env=env, check=False)
    every = Filter(0, time.time() + 60)
    with closing(open_traces(tmp_path, env)), open_figures(tmp_path, env) as figures:
        ((spent,),) = figures.spends(every, [0])
        (line,) = figures.lines(every, None, 9).values()
    assert (spent.sent, spent.usd_micros, line.outcome, line.stage) == (2, 6000, "interrupted", "types")


@pytest.mark.parametrize("cause", [*Cause, *sorted(REFUSALS)])
def test_what_went_out_is_the_same_for_python_and_for_sql(cause: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for provider_ms in (0, 1, 900):
            row = {"cause": str(cause), "provider_ms": provider_ms}
            question = f"SELECT {WENT_OUT} FROM (SELECT :cause AS cause, :provider_ms AS provider_ms)"
            assert db.execute(question, row).fetchone() == (went_out(str(cause), provider_ms),)


def test_a_call_that_was_called_off_is_nobodys_call(tmp_path: Path) -> None:
    """Neither for the board, nor for `torre usage`, nor for telemetry; one that was cut off on the way is."""
    given = [("cancelled", 0), ("cancelled", 900), ("ok", 1500), ("rpm", 0)]
    rows = [
        attempt("a", number, cause=cause, provider_ms=ms, at=NOON) for number, (cause, ms) in enumerate(given, 1)
    ]
    with closing(TraceStore(tmp_path / "traces.sqlite", clock=Clock())) as store:
        store.begin("a", "/app")
        for row in rows:
            store.add_attempt(row)
        store.finish("a", ending())
    with TraceFigures.at(tmp_path / "traces.sqlite") as figures:
        ((spent,),) = figures.spends(EVER, [EVER.since])
        assert (spent.sent, figures.calls_to_green(EVER), figures.burnt(0)[LANE].calls) == (2, ((2, 1),), 2)
    (used,) = group(rows, lambda _: "today")
    assert (used["calls"], used["refused"]) == (2, 1) and group(rows[:1], lambda _: "today") == []
    assert [was_sent(asdict(row)) for row in rows] == [False, True, True, False]


def test_a_newer_file_is_refused_by_whoever_looks(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        db.execute(f"PRAGMA user_version = {len(KIND.scripts) + 1}")
    with pytest.raises(LedgerError, match="newer Torre"):
        TraceFigures.at(old)


def test_no_figure_reads_the_long_texts(old: Path) -> None:
    """The plan of each question names an index that holds all it asks, or the short rows of `share`."""
    asked: list[str] = []
    TraceStore(old, clock=Clock()).close()
    db = sqlite3.connect(old, isolation_level=None)
    with TraceFigures(db, old) as figures:
        db.set_trace_callback(asked.append)
        for chosen in (EVER, Filter(EVER.since, EVER.until, "/app", "types", "x/y", "green", attempts=1)):
            figures.tallies(chosen, [chosen.since, NOON])
            figures.spends(chosen, [chosen.since, NOON])
            figures.green_ms(chosen)
            figures.calls_to_green(chosen)
            figures.times(chosen)
            figures.wins(chosen)
            figures.failures(chosen)
        figures.places()
        db.set_trace_callback(None)
        for question in asked:
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {question}")]
            fat = [line for line in plan if " run" in line and "COVERING INDEX run_figures" not in line]
            assert not [line for line in fat if "share_run" not in line and "SUBQUERY" not in line], (
                question,
                plan,
            )
    assert len(asked) > 14


@pytest.mark.parametrize(
    ("chosen", "by"),
    [
        (
            Filter(EVER.since, EVER.until, provider="x/y"),
            "share USING PRIMARY KEY (lane=? AND stage=? AND started>?",
        ),
        (Filter(EVER.since, EVER.until, cause="rpm"), "share USING COVERING INDEX share_failed"),
        (Filter(EVER.since, EVER.until, min_ms=1), "run USING COVERING INDEX run_figures"),
    ],
)
def test_a_filter_looks_through_its_own_time_and_not_run_by_run(old: Path, chosen: Filter, by: str) -> None:
    asked: list[str] = []
    TraceStore(old, clock=Clock()).close()
    db = sqlite3.connect(old, isolation_level=None)
    with TraceFigures(db, old) as figures:
        db.set_trace_callback(asked.append)
        figures.tallies(chosen, [chosen.since, NOON])
        figures.wins(chosen)
        db.set_trace_callback(None)
        plans = [[row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {question}")] for question in asked]
    assert len(plans) == 2 and any(by in line for line in plans[0])
    assert not any("share_run" in line or "INTEGER PRIMARY KEY" in line for plan in plans for line in plan)


def test_many_days_are_one_question(old: Path) -> None:
    asked: list[str] = []
    TraceStore(old, clock=Clock()).close()
    db = sqlite3.connect(old, isolation_level=None)
    with TraceFigures(db, old) as figures:
        db.set_trace_callback(asked.append)
        overview(figures, Filter(NOON - 60 * 86400, NOON + 86400))
    assert len(asked) < 6
