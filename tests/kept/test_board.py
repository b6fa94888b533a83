"""The dashboard's figures are those that a person counts, and each leads to the runs that it is made of."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from llm.errors import InputError
from llm.kept.board import runs as page5
from llm.kept.board.filters import OUTCOMES, Filter, choices
from llm.kept.board.overview import overview
from llm.kept.board.providers import providers
from llm.kept.board.quotas import quota_board
from llm.kept.board.speed import speed
from llm.kept.board.table import Table
from llm.kept.board.trace import trace
from llm.ledger.home import open_figures, open_store, open_traces
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_filter import CHANGES, ENDS
from llm.ledger.win_rates import interval
from tests.kept.conftest import ALL, APP, CLAUDE, DIFF, FIXERS, GPT, LIB, NEXT_DAY, Runs, shown, trace_id
from tests.ledger.traced import attempt


def letters(figures: TraceFigures, chosen: Filter) -> str:
    """The runs of a filter, oldest first."""
    page = page5.runs(figures, chosen)
    assert page.total == len(page.runs)
    return "".join(run.trace_id[0] for run in reversed(page.runs))


def test_the_totals(figures: TraceFigures) -> None:
    totals = overview(figures, ALL).totals
    assert (totals.runs, totals.ended, totals.green, totals.interrupted, totals.running) == (10, 8, 3, 1, 1)
    assert totals.green_rate == 3 / 7  # in one of the eight nothing was red
    assert (totals.usd_micros, totals.unpriced, totals.usd_micros_per_green) == (8700, 1, 2900)
    assert (totals.p50_ms, totals.p95_ms) == (4000, 8000)
    assert (totals.applied, totals.undone, totals.rolled_back) == (1, 1, 1)


def test_what_was_spent_and_what_came_of_it_day_by_day(figures: TraceFigures) -> None:
    board = overview(figures, ALL)
    spend = [(row.day, row.lane, row.calls, row.usd_micros, row.unpriced) for row in board.spend]
    assert spend == [
        ("2026-03-15", CLAUDE, 1, 5000, 0),
        ("2026-03-15", GPT, 3, 3000, 0),
        ("2026-03-16", GPT, 3, 700, 1),
    ]
    days = {row.day: row for row in board.outcomes}
    assert list(days) == ["2026-03-14", "2026-03-15", "2026-03-16", "2026-03-17"]
    assert (days["2026-03-14"].runs, days["2026-03-15"].green) == (0, 2)
    last = days["2026-03-16"]
    ends = ("green", "no_winner", "advisory", "refused", "failed", "nothing_red", "interrupted", "running")
    assert last.runs == 8 and [getattr(last, end) for end in ends] == [1] * 8
    assert (last.ended, last.red, last.green_rate) == (6, 5, 1 / 5)  # by the rule of the totals
    assert days["2026-03-14"].green_rate is None
    assert letters(figures, days["2026-03-15"].within(ALL)) == "ab"
    assert letters(figures, last.within(ALL, "refused")) == "e"
    assert [letters(figures, row.within(ALL)) for row in board.spend] == ["b", "ab", "d23"]


def test_a_day_is_one_of_the_time_zone(figures: TraceFigures) -> None:
    # Noon in UTC is after midnight of the next day in Auckland, which is 13 hours ahead.
    assert [row.day for row in overview(figures, ALL, "Pacific/Auckland").spend] == ["2026-03-16"] * 2 + [
        "2026-03-17"
    ]


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"provider": GPT},
        {"provider": f"{GPT} {CLAUDE}"},
        {"provider": GPT, "stage": "types"},
        {"cause": "server"},
        {"attempts": 1, "provider": GPT},
        {"min_ms": 900, "max_ms": 8000},
        {"outcome": "running"},
        {"outcome": "undone", "workspace": APP},
    ],
    ids=str,
)
def test_the_days_together_are_what_each_is_by_itself(figures: TraceFigures, chosen: dict[str, Any]) -> None:
    """Counted at once, as the page does it, or one run after the other."""
    some = replace(ALL, **chosen)
    board = overview(figures, some)
    found = {day.day: page5.runs(figures, day.within(some)).runs for day in board.outcomes}
    for day in board.outcomes:
        runs = found[day.day]
        assert day.runs == len(runs)
        assert all(getattr(day, end) == sum(run.outcome == end for run in runs) for end in ENDS)
    changes = [run.change for runs in found.values() for run in runs]
    assert [getattr(board.totals, each) for each in CHANGES] == [changes.count(each) for each in CHANGES]
    spent = [row for day in board.outcomes for row in overview(figures, day.within(some)).spend]
    assert [*board.spend] == spent
    if not some.provider and not some.cause:
        assert board.totals.usd_micros == sum(run.usd_micros for runs in found.values() for run in runs)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"workspace": LIB}, "cd"),
        ({"stage": "tests"}, "be"),
        ({"provider": GPT}, "abd23"),
        ({"provider": FIXERS}, "c"),
        ({"provider": f"{GPT} {CLAUDE}"}, "b"),
        ({"provider": f"{GPT} -"}, "e2"),
        ({"since": NEXT_DAY}, "cdef1234"),
        ({"until": NEXT_DAY}, "ab"),
        ({"min_ms": 900, "max_ms": 8000}, "ac2"),
        ({"attempts": 3}, "b"),
        ({"cause": "daily_calls"}, "e"),
        ({"cause": "timeout", "provider": CLAUDE}, ""),
        ({"outcome": "green", "stage": "types", "workspace": APP}, "a"),
        *(({"outcome": end}, run) for end, run in zip(OUTCOMES, ("abc", *"d1e2f34bca"), strict=True)),
    ],
)
def test_filters(figures: TraceFigures, chosen: dict[str, Any], found: str) -> None:
    assert letters(figures, replace(ALL, **chosen)) == found


def test_every_page_counts_the_same_runs_under_a_filter(figures: TraceFigures) -> None:
    chosen = replace(ALL, workspace=APP, stage="tests")
    board = overview(figures, chosen)
    assert (board.totals.runs, board.totals.green, board.totals.usd_micros) == (2, 1, 5000)
    assert speed(figures, chosen).green == 1
    assert {row.lane for row in providers(figures, chosen).lanes} == {GPT, CLAUDE}
    of_one = replace(ALL, provider=CLAUDE)
    assert overview(figures, of_one).totals.usd_micros == 5000
    assert [row.lane for row in providers(figures, of_one).lanes] == [CLAUDE]
    assert [row.stage for row in providers(figures, replace(ALL, min_ms=9000)).wins] == ["types"]


def test_win_rates_have_their_number_and_interval(figures: TraceFigures) -> None:
    board = providers(figures, ALL)
    wins = {(row.lane, row.stage): row for row in board.wins}
    types = wins[GPT, "types"]
    assert (types.asked, types.proved, types.won, types.rate) == (2, 1, 1, 0.5)
    assert (types.low, types.high) == interval(1, 2)
    assert (types.usd_micros, types.usd_micros_per_run, types.unpriced, types.median_ms) == (3000, 1500, 1, 1500)
    assert set(wins) == {(GPT, "types"), (GPT, "tests"), (GPT, "build"), (CLAUDE, "tests")}
    lanes = {row.lane: (row.stage, row.asked, row.proved) for row in board.lanes}
    assert lanes == {GPT: ("", 4, 1), CLAUDE: ("", 1, 1)}
    assert letters(figures, types.within(ALL)) == "ad3"  # in the last it was not judged


def test_errors_by_cause_and_who_answered_instead(figures: TraceFigures) -> None:
    board = providers(figures, ALL)
    errors = {(row.lane, row.cause): (row.calls, row.runs, row.refused) for row in board.errors}
    assert errors == {
        (CLAUDE, "rpm"): (1, 1, True),
        (GPT, "auth"): (1, 1, False),
        (GPT, "daily_calls"): (1, 1, True),
        (GPT, "server"): (1, 1, False),
        (GPT, "timeout"): (1, 1, False),
    }
    flow = [(row.source, row.target, row.runs) for row in board.fallbacks]
    assert flow == [(CLAUDE, "", 1), (GPT, "", 2), (GPT, CLAUDE, 1)]
    behind = [(row.within(ALL), row.runs) for row in board.errors]
    for chosen, count in behind + [(row.within(ALL), row.runs) for row in board.fallbacks]:
        assert len(letters(figures, chosen)) == count


def test_how_long_it_takes(figures: TraceFigures) -> None:
    board = speed(figures, ALL)
    assert (board.green, board.p50_ms, board.p95_ms) == (3, 4000, 8000)
    assert {row.from_s: row.runs for row in board.histogram if row.runs} == {0: 1, 2: 1, 5: 1}
    assert [(row.attempts, row.runs) for row in board.attempts] == [(0, 1), (1, 1), (3, 1)]
    behind = [(row.within(ALL), row.runs) for row in board.histogram]
    for chosen, count in behind + [(row.within(ALL), row.runs) for row in board.attempts]:
        assert len(letters(figures, chosen)) == count
    split = {row.stage: row for row in board.split}
    tests = split["tests"]  # b: 8000 of which its slowest lane waited 500 and 3500; e: 500
    assert (tests.runs, tests.total_ms, tests.queue_ms, tests.provider_ms) == (2, 4250, 250, 1750)
    assert board.split[0].stage == "" and board.split[0].runs == 8


def test_a_line_tells_what_was_decided(figures: TraceFigures) -> None:
    found = {run.trace_id[0]: run for run in page5.runs(figures, ALL).runs}
    a, b, e = found["a"], found["b"], found["e"]
    assert (a.outcome, a.change, a.chosen, a.asked) == ("green", "undone", GPT, (GPT,))
    assert (a.estimated_usd_micros, a.usd_micros, a.rejected) == (9000, 3000, (f"{FIXERS}: checks_red",))
    assert (b.attempts, b.estimated_usd_micros, b.usd_micros, b.asked) == (3, 24_000, 5000, (GPT, CLAUDE))
    assert (e.rule, e.rejected, e.outcome) == ("default:tests", (f"{GPT}: quota (daily_calls)",), "refused")
    assert (found["d"].estimated_usd_micros, found["d"].unpriced) == (None, 1)
    assert (found["3"].outcome, found["4"].outcome, found["4"].duration_ms) == ("interrupted", "running", None)


def test_pages_lose_and_double_nothing_while_runs_are_added(runs: Runs) -> None:
    seen: list[str] = []
    cursor, turns = "", 0
    while cursor or not turns:
        turns += 1
        with TraceFigures.at(runs.store.path) as figures:
            page = page5.runs(figures, ALL, cursor, limit=3)
        seen += [run.trace_id[0] for run in page.runs]
        for _ in range(3):  # with the same start as the newest, and so in the way of a cursor of times alone
            runs.begin("9", NEXT_DAY + 420, APP)
        cursor = page.next
    assert (seen, turns) == (list("4321fedcba"), 4)
    with TraceFigures.at(runs.store.path) as figures, pytest.raises(InputError, match="leads to no page"):
        page5.runs(figures, ALL, "../etc")


def test_the_story_of_one_run(figures: TraceFigures) -> None:
    story = trace(figures, "BBBB")
    assert [(one.lane, one.cause, one.estimated_usd_micros) for one in story.attempts][1:] == [
        (GPT, "server", 8000),
        (CLAUDE, "ok", 8000),
    ]
    won = story.candidates[0]
    assert (won.won, won.lane, won.diff, [asdict(check) for check in won.checks]) == (
        True,
        CLAUDE,
        DIFF,
        [{"name": "mypy", "before": "", "after": "green"}],
    )
    bars = {(bar.kind, bar.lane, bar.outcome): (bar.start_ms, bar.end_ms) for bar in story.spans}
    assert bars["run", "", "green"] == (0, 8000)
    assert bars["queue", CLAUDE, "ok"] == (3000, 3500)
    assert bars["provider", CLAUDE, "ok"] == (3500, 7000)
    assert bars["change", "", "applied"] == (100_000, 100_000)
    assert [(one.what, one.by) for one in trace(figures, trace_id("a")).changes] == [
        ("applied", "cli"),
        ("undone", "7f3a90c1"),
    ]
    assert trace(figures, "cccc").changes[0].reason == "on the real files mypy is red"
    with pytest.raises(InputError, match="no run's id begins"):
        trace(figures, "777")


def test_the_choices_are_those_that_occur(figures: TraceFigures) -> None:
    told = choices(figures)
    assert (told.workspaces, told.outcomes) == ((APP, LIB), OUTCOMES)
    assert told.stages == ("build", "docs", "general", "tests", "types")
    assert told.providers == (CLAUDE, FIXERS, GPT)


def test_nothing_is_nothing_and_not_an_error(tmp_path: Path) -> None:
    with open_figures(tmp_path, {}) as figures:
        board = overview(figures, ALL)
        assert (board.totals.runs, board.totals.green_rate, board.totals.p50_ms, board.spend) == (
            0,
            None,
            None,
            (),
        )
        assert (len(board.outcomes), providers(figures, ALL).wins, speed(figures, ALL).split) == (4, (), ())
        assert page5.runs(figures, ALL) == page5.Page(ALL, Table(), "", 0)
        assert choices(figures).providers == ()
        board_of_caps = quota_board(figures, tmp_path, {"HOME": str(tmp_path)}, ALL)
        assert board_of_caps.gauges and not board_of_caps.refused
    assert list(tmp_path.iterdir()) == []  # looking made nothing


def test_a_cap_is_reached_at_the_rate_of_the_last_hours(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": f"{tmp_path}/state", "XDG_CONFIG_HOME": f"{tmp_path}/config"}
    (tmp_path / ".torre").mkdir()
    caps = f"timezone: UTC\nquotas: {{ {GPT}: {{ daily_calls: 7 }}, {CLAUDE}: {{ daily_calls: 100000 }} }}\n"
    (tmp_path / ".torre" / "providers.yaml").write_text(caps)
    open_store(tmp_path, env).close()
    now = time.time()
    with closing(open_traces(tmp_path, env)) as traces:
        traces.begin(trace_id("a"), "")
        for number in range(6):
            traces.add_attempt(attempt(trace_id("a"), number + 1, at=now - 600))
        traces.add_attempt(attempt(trace_id("a"), 1, lane=CLAUDE, at=now - 600))
        traces.add_attempt(attempt(trace_id("a"), 7, at=now - 5 * 3600))  # too long ago for the rate
    with open_figures(tmp_path, env) as figures:
        board = quota_board(figures, tmp_path, env, ALL)
    gauges = {(gauge.lane, gauge.name): gauge for gauge in board.gauges}
    calls = gauges[GPT, "daily_calls"]
    assert (calls.per_hour, calls.left, calls.unit) == (2.0, 7, "calls")
    if board.resets_at - now > 4 * 3600:
        assert calls.reached_at == pytest.approx(now + 3.5 * 3600, abs=60)
    assert gauges[CLAUDE, "daily_calls"].reached_at is None  # not before it starts anew
    assert gauges[GPT, "daily_usd"].unit == "micro-USD" and gauges[GPT, "daily_tokens"].per_hour == 2200


def test_what_is_listed_and_exported_has_no_diffs_and_is_plain(figures: TraceFigures) -> None:
    told = [asdict(page5.runs(figures, ALL)), asdict(overview(figures, ALL)), asdict(providers(figures, ALL))]
    text = json.dumps([*told, asdict(speed(figures, ALL))])
    assert "+new" not in text and "@@" not in text
    rows = page5.runs(figures, ALL).runs.rows()
    assert len({tuple(row) for row in rows}) == 1 and rows[0]["outcome"] == "running"


def test_looking_neither_waits_for_who_writes_nor_writes(runs: Runs) -> None:
    before = {path.name for path in runs.store.path.parent.iterdir()}
    with closing(sqlite3.connect(runs.store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # a step that is not done
        began = time.monotonic()
        with TraceFigures.at(runs.store.path) as figures:
            assert letters(figures, ALL) == "abcdef1234"
        assert time.monotonic() - began < 1
    assert {path.name for path in runs.store.path.parent.iterdir()} == before
    assert [*runs.store.path.with_suffix(".running").iterdir()]  # the run that goes on is still held


def test_a_view_is_of_one_moment(runs: Runs) -> None:
    with TraceFigures.at(runs.store.path) as figures:
        runs.end("4", "types", "PATCH", 0, 100, shown(0, FIXERS))
        assert letters(figures, replace(ALL, outcome="running")) == "4"
    with TraceFigures.at(runs.store.path) as figures:
        assert letters(figures, replace(ALL, outcome="green")) == "abc4"
