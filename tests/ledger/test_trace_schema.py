"""A trace store of an older Torre is brought up to date with all that is in it, by one of those that open it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from llm.errors import LedgerError
from llm.ledger.sqlite_file import upgrade
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_filter import Filter
from llm.ledger.trace_rows import Change
from llm.ledger.trace_schema import KIND
from llm.ledger.traces import TraceStore
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
        tally = figures.tally(EVER)
        assert {end: count for end, count in tally.ends.items() if count} == {
            "green": 2,
            "refused": 1,
            "interrupted": 1,
        }
        assert tally.changes["applied"] == 1
        assert [(row.lane, row.usd_micros) for row in figures.spend(EVER)] == [(LANE, 3000), ("x/y", 3000)]
        assert figures.failures(EVER).causes == {("a/b", "rpm"): (1, 1)}
        assert figures.failures(EVER).instead == {("a/b", "x/y"): 1}


def test_looking_at_an_old_file_brings_it_up_to_date_too(old: Path) -> None:
    with TraceFigures.at(old) as figures:
        assert figures.tally(EVER).runs == 3


def test_of_many_that_open_an_old_file_at_once_one_upgrades_it(old: Path) -> None:
    openers = [subprocess.Popen([sys.executable, "-c", OPEN, str(old), str(NOON)], cwd=ROOT) for _ in range(6)]
    assert [opener.wait(60) for opener in openers] == [0] * 6
    with TraceFigures.at(old) as figures:
        assert figures.tally(EVER).runs == 3


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
    summing = KIND.scripts[1].split(";")
    steps = [step for step in summing if "UPDATE run" in step or ("share" in step and "CREATE" not in step)]
    with closing(sqlite3.connect(tmp_path / "traces.sqlite", isolation_level=None)) as db:
        before = [row for table in ("share", "run") for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 3")]
        assert len(steps) == 5
        for step in steps:
            db.execute(step)
        after = [row for table in ("share", "run") for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 3")]
    assert after == before and len(before) == 9


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
            figures.tally(chosen)
            figures.spend(chosen)
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
