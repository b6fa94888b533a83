"""The trace keeps what was written, whoever writes beside, and says what became of a run that never ended."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm.errors import InputError, LedgerError
from llm.ledger.home import has_traces, open_traces
from llm.ledger.trace_rows import CandidateRow
from llm.ledger.traces import KEEP_DAYS, KEEP_RUNS, TraceStore
from llm.ledger.win_rates import interval
from tests.ledger.conftest import Clock
from tests.ledger.test_races import ROOT
from tests.ledger.traced import LANE, attempt, ending

ID = "1b2c0000-0000-4000-8000-000000000001"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> TraceStore:
    return TraceStore(tmp_path / "traces.sqlite", clock=clock)


def _writer(root: Path, env: dict[str, str], trace_id: str, *more: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "tests.ledger.traced", str(root), trace_id, *more]
    return subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **env})


def test_a_run_is_kept_whole(store: TraceStore, clock: Clock) -> None:
    rows = (attempt(ID, 1, cause="rate_limit", status=429, usd_micros=0, error="slow down"), attempt(ID, 2))
    lost = CandidateRow(1, LANE, "answer 2", "diff", "checks_red", "mypy", newly_failing=("mypy::a", "mypy::b"))
    won = ending().candidates[0]
    store.begin(ID, "/home/dev/app", policy_hash="abc")
    for row in rows:
        store.add_attempt(row)
    store.set_verdict(ID, LANE, 2, "passed")
    clock.now += 4
    details = {"why": "it alone passed", "checks": [{"name": "mypy"}]}
    store.finish(ID, ending(candidates=(won, lost), details=details))

    story = store.run(ID)
    assert story.attempts[0] == rows[0]
    assert (story.attempts[1].verdict, story.attempts[1].tokens_in) == ("passed", 1000)
    assert story.candidates == (won, lost)
    assert story.details == details
    run = story.run
    assert (run.status, run.ended, run.winner, run.winner_lane) == ("finished", clock.now, 0, LANE)
    assert (run.attempts, run.usd_micros, run.unpriced, run.policy_hash) == (2, 3000, 0, "abc")


def test_the_end_brings_the_attempts_their_verdicts(store: TraceStore) -> None:
    store.begin(ID, "")
    for number in (1, 2, 3):
        store.add_attempt(attempt(ID, number))
    made = (CandidateRow(0, LANE, "", "", attempt=3), CandidateRow(1, LANE, "", "", "checks_red", attempt=1))
    store.finish(ID, ending(candidates=made))
    assert [one.verdict for one in store.run(ID).attempts] == ["checks_red", "", "passed"]


def test_an_unknown_price_is_not_counted_as_nothing(store: TraceStore) -> None:
    store.begin(ID, "")
    store.add_attempt(attempt(ID, 1, usd_micros=None))
    store.add_attempt(attempt(ID, 2))
    run = store.runs()[0]
    assert (run.usd_micros, run.unpriced) == (3000, 1)


def test_a_run_of_the_embedded_fixers_alone_is_kept_too(store: TraceStore) -> None:
    store.begin(ID, "")
    store.finish(ID, ending(winner_lane="embedded/fixers"))
    assert store.runs()[0].winner_lane == "embedded/fixers"
    assert store.win_rates() == ()


def test_an_attempt_is_in_the_file_before_the_call_returns(store: TraceStore) -> None:
    store.begin(ID, "")
    store.add_attempt(attempt(ID))
    with closing(sqlite3.connect(store.path)) as other:
        assert other.execute("SELECT lane FROM attempt").fetchall() == [(LANE,)]


def test_an_attempt_of_a_run_that_never_began_is_refused(store: TraceStore) -> None:
    with pytest.raises(LedgerError, match="cannot be recorded"):
        store.add_attempt(attempt(ID))
    with pytest.raises(ValueError, match="has not begun"):
        store.finish(ID, ending())


def test_eight_processes_lose_nothing(tmp_path: Path, env: dict[str, str]) -> None:
    ids = [str(uuid.uuid4()) for _ in range(8)]
    writers = [_writer(tmp_path, env, trace_id, "25") for trace_id in ids]
    assert [writer.wait(60) for writer in writers] == [0] * 8
    store = open_traces(tmp_path, env)
    assert {run.trace_id for run in store.runs()} == set(ids)
    assert all(run.status == "finished" for run in store.runs())
    for trace_id in ids:
        story = store.run(trace_id)
        assert [a.number for a in story.attempts] == list(range(1, 26))
        assert len(story.candidates) == 1
    assert list((tmp_path / ".torre" / "traces.running").iterdir()) == []


def test_a_run_that_is_killed_was_interrupted_and_keeps_its_attempts(tmp_path: Path, env: dict[str, str]) -> None:
    killed = _writer(tmp_path, env, ID, "3", "die")
    assert killed.wait(60) == -signal.SIGKILL
    store = open_traces(tmp_path, env)
    story = store.run(ID)
    assert (story.run.status, story.run.ended, story.run.exit_code) == ("interrupted", None, None)
    assert (len(story.attempts), story.run.usd_micros) == (3, 9000)
    assert list((tmp_path / ".torre" / "traces.running").iterdir()) == []


def test_a_run_that_goes_on_is_not_interrupted(tmp_path: Path, env: dict[str, str]) -> None:
    mine = open_traces(tmp_path, env)
    mine.begin(ID, "")
    other = open_traces(tmp_path, env)
    assert other.run(ID).run.status == "running"
    mine.close()
    assert other.run(ID).run.status == "interrupted"


def test_an_id_that_is_given_twice_is_two_runs(store: TraceStore, clock: Clock) -> None:
    store.begin(ID, "first")
    store.add_attempt(attempt(ID))
    store.finish(ID, ending())
    clock.now += 1
    store.begin(ID, "second")
    assert [run.workspace for run in store.runs()] == ["second", "first"]
    assert (store.run(ID).run.workspace, store.run(ID).attempts) == ("second", ())
    assert [run.attempts for run in store.runs()] == [0, 1]


def test_a_run_is_found_by_the_beginning_of_its_id(store: TraceStore) -> None:
    for trace_id in (ID, "1b2d0000-0000-4000-8000-000000000002", "fff00000-0000-4000-8000-000000000003"):
        store.begin(trace_id, "")
    assert store.run("1B2C").run.trace_id == ID
    assert store.run("fff0…").run.trace_id.startswith("fff0")
    with pytest.raises(InputError, match=r"'1b2' is the beginning of 2 ids: 1b2d0000\S+, 1b2c0000"):
        store.run("1b2")
    for missing in ("7", "%", "_"):
        with pytest.raises(InputError, match="no run's id begins with"):
            store.run(missing)
    for wrong in ("", " ", "\udc80", "é"):
        with pytest.raises(InputError, match="is no beginning of an id"):
            store.run(wrong)


def test_a_whole_id_is_not_ambiguous_although_another_begins_with_it(store: TraceStore) -> None:
    for trace_id in ("abc", "abcd"):
        store.begin(trace_id, "")
    assert store.run("abc").run.trace_id == "abc"


def test_pages(store: TraceStore, clock: Clock) -> None:
    for number in range(5):
        clock.now += 1
        store.begin(f"run-{number}", "")
    first = store.runs(limit=2)
    assert [run.trace_id for run in first] == ["run-4", "run-3"]
    assert [run.trace_id for run in store.runs(2, before=first[-1].started)] == ["run-2", "run-1"]


def test_what_is_too_old_is_dropped_with_all_that_belongs_to_it(tmp_path: Path, clock: Clock) -> None:
    store = TraceStore(tmp_path / "traces.sqlite", clock=clock)
    for trace_id in ("old", "new"):
        store.begin(trace_id, "")
        store.add_attempt(attempt(trace_id))
        store.finish(trace_id, ending())
        clock.now += (KEEP_DAYS - 1) * 86400
    again = TraceStore(store.path, clock=clock)
    assert [run.trace_id for run in again.runs()] == ["new"]
    with closing(sqlite3.connect(store.path)) as db:
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("attempt", "candidate")]
    assert counts == [1, 1]


def test_what_is_too_many_is_dropped(store: TraceStore, clock: Clock) -> None:
    store.begin("first", "")
    with closing(sqlite3.connect(store.path)) as db, db:
        rows = ((f"run-{n}", clock.now, "", "") for n in range(KEEP_RUNS))
        db.executemany("INSERT INTO run (trace_id, started, workspace, policy_hash) VALUES (?, ?, ?, ?)", rows)
    store.sweep()
    kept = store.runs(KEEP_RUNS + 5)
    assert len(kept) == KEEP_RUNS
    assert kept[-1].trace_id == "run-0"


def test_traces_that_arrived_with_a_checkout_are_not_believed(tmp_path: Path, env: dict[str, str]) -> None:
    open_traces(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "somebody-else")}).close()
    with pytest.raises(LedgerError, match="not made by this user"):
        open_traces(tmp_path, env)
    (tmp_path / ".torre" / "traces.sqlite").unlink()
    open_traces(tmp_path, env).begin(ID, "")  # one's own is


@pytest.mark.parametrize("link", [".torre", ".torre/traces.sqlite", ".torre/traces.running"])
def test_a_link_in_the_traces_place_is_not_followed(tmp_path: Path, env: dict[str, str], link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere)
    with pytest.raises(LedgerError, match="is a link"):
        open_traces(tmp_path, env)
    assert list(elsewhere.iterdir()) == []


def test_corrupt_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match=r"traces\.sqlite: corrupt.*cannot be recorded"):
        TraceStore(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE store (id)")
    with pytest.raises(LedgerError, match="is not a trace store of Torre's"):
        TraceStore(path)


def test_they_lie_beside_the_ledger_that_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    named = {**env, "TORRE_LEDGER": str(tmp_path / "shared.sqlite")}
    assert not has_traces(tmp_path, named)
    open_traces(tmp_path, named).close()
    assert has_traces(tmp_path, named)
    assert (tmp_path / "shared.traces.sqlite").exists()
    assert not (tmp_path / ".torre").exists()


def _judged(store: TraceStore, trace_id: str, outcome: str, **fields: Any) -> None:
    store.begin(trace_id, "")
    store.add_attempt(attempt(trace_id, **fields))
    reason = "" if outcome == "passed" else outcome
    candidates = () if outcome == "none" else (CandidateRow(0, LANE, "answer", "", reason),)
    store.finish(trace_id, ending(winner_lane=LANE if outcome == "passed" else "", candidates=candidates))


def test_win_rates_count_runs_that_were_judged(store: TraceStore) -> None:
    _judged(store, "won", "passed")
    _judged(store, "lost", "checks_red", usd_micros=None, provider_ms=500)
    _judged(store, "failed", "none", cause="timeout", usd_micros=0)
    _judged(store, "cancelled", "cancelled")
    _judged(store, "refused", "none", cause="daily_calls", usd_micros=0)
    store.begin("open", "")
    store.add_attempt(attempt("open", cause="server"))
    (rate,) = store.win_rates()
    assert (rate.stage, rate.lane, rate.asked, rate.proved, rate.won) == ("types", LANE, 3, 1, 1)
    assert (rate.usd_micros, rate.unpriced, rate.median_ms) == (3000, 1, 1000)


@pytest.mark.parametrize(
    ("proved", "asked", "low", "high"),
    # From Wilson's formula by hand; the first two are the textbook cases of the ends.
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (80, 100, 0.7112, 0.8666),
        (0, 0, 0, 1),
    ],
)
def test_the_interval_is_wilsons(proved: int, asked: int, low: float, high: float) -> None:
    assert interval(proved, asked) == pytest.approx((low, high), abs=1e-4)
