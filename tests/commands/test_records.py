"""`torre providers`, `usage`, `trace`, `policy suggest`: what was counted and kept, as a user reads it."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.errors import InputError, LedgerError
from llm.ledger.base import Caps, Claim, Grant
from llm.ledger.home import open_store, open_traces
from llm.ledger.trace_rows import CandidateRow
from llm.ledger.traces import TraceStore
from llm.report.table import table, usd
from tests.commands.conftest import Torre, in_a_process
from tests.ledger.traced import LANE, attempt, ending

Policy = Callable[[str], Path]
CHEAP, CLAUDE = "local/qwen2.5-7b", "anthropic/claude-3.5"
NOW = time.time()


@pytest.fixture
def traces(workspace: Path) -> Iterator[TraceStore]:
    store = open_traces(workspace, os.environ)
    yield store
    store.close()


def test_providers_show_what_is_used_reserved_and_left(torre: Torre, policy: Policy, workspace: Path) -> None:
    policy(f"quotas: {{ {LANE}: {{ rpm: 60, daily_calls: 10, daily_usd: 5 }} }}\nbudget: {{ daily_usd: 20 }}\n")
    store = open_store(workspace, os.environ)
    for settled in (True, False):
        grant = store.reserve(Claim(LANE, "run", 100, 2_000_000))
        assert isinstance(grant, Grant)
        store.mark_sent(grant)
        if settled:
            store.settle(grant, 100, 1_500_000)
    store.cool(LANE, 60, "rate_limit")
    done = torre("providers")
    assert done.data is not None
    lane = next(each for each in done.data["lanes"] if each["provider"] == LANE)
    quota = {each["name"]: each for each in lane["quota"]}
    assert quota["daily_calls"] == {"name": "daily_calls", "used": 1, "reserved": 1, "cap": 10, "left": 8}
    usd_left = quota["daily_usd"]
    assert (usd_left["used"], usd_left["reserved"], usd_left["left"]) == (1_500_000, 2_000_000, 1_500_000)
    assert lane["cause"] == "rate_limit" and 50 < lane["cooldown_s"] <= 60
    assert "set OPENAI_API_KEY" in done.text and "rate_limit, " in done.text
    line = next(line for line in done.text.splitlines() if line.startswith("all lanes"))
    assert line.split() == ["all", "lanes", "budget.daily_usd", "$1.50", "$2.00", "$16.50", "$20.00"]


def test_providers_say_which_keys_are_there_and_never_the_key(
    torre: Torre, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-geheim-0123456789")
    policy("allowed: [openai/gpt-4o]\n")
    done = torre("providers")
    assert "OPENAI_API_KEY is set" in done.text and "not allowed" in done.text
    assert "geheim" not in done.text + json.dumps(done.data)


def test_a_ledger_that_cannot_be_had_is_named(torre: Torre, workspace: Path) -> None:
    (workspace / ".torre").mkdir()
    (workspace / ".torre" / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: corrupt"):
        torre("providers")


def test_usage_by_day_lane_and_stage(torre: Torre, traces: TraceStore) -> None:
    traces.begin("a", "")
    calls: list[tuple[str, dict[str, Any]]] = [
        (LANE, {}),
        (LANE, {"cause": "server", "status": 500, "usd_micros": 0}),
        (LANE, {"cause": "daily_calls", "usd_micros": 0, "tokens_in": 0, "tokens_out": 0}),
        (LANE, {"stage": "tests"}),
        (CHEAP, {"usd_micros": None}),
    ]
    for number, (lane, fields) in enumerate(calls, 1):
        traces.add_attempt(attempt("a", number, lane, at=NOW, **fields))
    traces.add_attempt(attempt("a", 9, at=NOW - 40 * 86400))
    done = torre("usage")
    assert done.data is not None
    rows = {(row["lane"], row["stage"]): row for row in done.data["usage"]}
    assert set(rows) == {(CHEAP, "types"), (LANE, "tests"), (LANE, "types")}
    one = rows[LANE, "types"]
    assert (one["calls"], one["failed"], one["refused"], one["tokens_in"], one["usd_micros"]) == (
        2,
        1,
        1,
        2000,
        3000,
    )
    assert rows[CHEAP, "types"]["unpriced"] == 1
    assert "unknown" in next(line for line in done.text.splitlines() if CHEAP in line)
    lines = list(csv.DictReader(io.StringIO(torre("usage", "--csv").text)))
    assert [(line["lane"], line["stage"], line["calls"]) for line in lines] == [
        (CHEAP, "types", "1"),
        (LANE, "tests", "1"),
        (LANE, "types", "2"),
    ]
    assert len(torre("usage", "--days", "60", "--csv").text.splitlines()) == 5


def test_usage_shows_what_counts_against_the_caps(torre: Torre, workspace: Path) -> None:
    grant = open_store(workspace, os.environ).reserve(Claim(LANE, "run", 100, 2_000_000, Caps()))
    assert isinstance(grant, Grant)
    done = torre("usage")
    assert done.data is not None
    assert {(row["lane"], row["calls"], row["usd_micros"]) for row in done.data["counted"]} == {
        ("", 1, 2_000_000),
        (LANE, 1, 2_000_000),
    }
    assert "counted against the caps" in done.text and "$2.00" in done.text


STORY = {
    "stage_reason": "1 mypy error in the check `mypy`",
    "why": "it alone turned the red green",
    "decision": {
        "rule": "default:types",
        "reason": f"types: {LANE}",
        "lanes": [{"provider": LANE, "reason": "number 2 of default:types"}],
        "skipped": [{"provider": CLAUDE, "reason": "no_credentials", "detail": "set ANTHROPIC_API_KEY"}],
    },
    "checks": [{"name": "mypy", "before": {"status": "red"}}, {"name": "docs", "before": {"status": "not_run"}}],
    "notes": ["sphinx is missing"],
    "tried_count": 2,
}
ID = "1b2c0000-0000-4000-8000-000000000001"


@pytest.fixture
def told(traces: TraceStore) -> TraceStore:
    """One run with a winner and a loser."""
    traces.begin(ID, "/home/dev/app", "abcdef0123456789")
    traces.add_attempt(
        attempt(ID, 1, at=NOW, cause="rate_limit", status=429, usd_micros=0, error="\x1b[31mslow\x1b[0m")
    )
    traces.add_attempt(attempt(ID, 2, at=NOW))
    traces.set_verdict(ID, LANE, 2, "passed")
    won = CandidateRow(0, LANE, "answer 1", "the winner's diff", fail_to_pass=1, checks={"mypy": "green"})
    lost = CandidateRow(
        1, "embedded/fixers", "ruff", "the loser's diff", "checks_red", "mypy", checks={"mypy": "red"}
    )
    traces.finish(ID, ending(candidates=(won, lost), details=STORY, diff="the winner's diff\n"))
    return traces


def test_trace_lists_the_runs(torre: Torre, told: TraceStore) -> None:
    told.begin("fff00000-0000-4000-8000-000000000003", "")
    done = torre("trace")
    head, newest, oldest = done.text.splitlines()
    assert newest.startswith("fff00000") and "running" in newest
    assert oldest.startswith("1b2c0000") and "PATCH" in oldest and "$0.0030" in oldest and LANE in oldest
    assert head.index("outcome") == oldest.index("PATCH")
    assert done.data is not None and [run["status"] for run in done.data["runs"]] == ["running", "finished"]
    assert len(torre("trace", "--limit", "1").text.splitlines()) == 2


def test_trace_tells_the_whole_story(torre: Torre, told: TraceStore) -> None:
    text = torre("trace", "1b2c").text
    for part in (
        f"run {ID}: PATCH, exit 0",
        "$0.0030 in 2 attempts",
        f"decision by default:types: types: {LANE}",
        "not anthropic/claude-3.5: no_credentials (set ANTHROPIC_API_KEY)",
        "rate_limit 429",
        "slow",
        "why: it alone turned the red green",
        "note: sphinx is missing",
        "the winner's diff",
    ):
        assert part in text
    assert "\x1b" not in text
    checks = text[text.index("\ncheck ") + 1 :].splitlines()
    assert "with * 0" in checks[0] and "with 1" in checks[0]
    assert checks[1].split() == ["mypy", "red", "green", "red"]
    assert checks[2].split() == ["docs", "not", "run", "-", "-"]
    assert torre("trace", "last").text == text
    assert torre("trace", "1b2c", "--diff", "1").text == "the loser's diff"
    with pytest.raises(InputError, match="kept no candidate 7"):
        torre("trace", "1b2c", "--diff", "7")


def test_trace_as_json_in_a_process_of_its_own(told: TraceStore) -> None:
    done = in_a_process("trace", "1b2c", "--json")
    story = json.loads(done.stdout)
    assert (story["run"]["trace_id"], story["run"]["winner"]) == (ID, 0)
    assert [a["cause"] for a in story["attempts"]] == ["rate_limit", "ok"]
    assert [c["diff"] for c in story["candidates"]] == ["the winner's diff", "the loser's diff"]
    missing = in_a_process("trace", "7")
    assert (missing.returncode, missing.stdout) == (2, "") and "no run's id begins with '7'" in missing.stderr


def _judged(traces: TraceStore, lane: str, proved: int, asked: int, usd_micros: int | None = 3000) -> None:
    for number in range(asked):
        trace_id = f"{lane}-{number}"
        traces.begin(trace_id, "")
        traces.add_attempt(attempt(trace_id, 1, lane, at=NOW, usd_micros=usd_micros))
        reason = "" if number < proved else "checks_red"
        traces.finish(trace_id, ending(winner_lane="", candidates=(CandidateRow(0, lane, "", "", reason),)))


def test_suggest_puts_the_lane_that_is_clearly_ahead_first(torre: Torre, traces: TraceStore) -> None:
    _judged(traces, LANE, 19, 20)
    _judged(traces, CHEAP, 2, 20, usd_micros=0)
    done = torre("policy", "suggest")
    assert done.data is not None
    route = done.data["routes"]["types"]
    assert route["lanes"] == [LANE, CHEAP, CLAUDE]
    assert route["clear"] and route["not_measured"] == [CLAUDE]
    measured = {row["provider"]: row for row in done.data["measured"]}
    assert (measured[LANE]["n"], measured[LANE]["proved"], measured[LANE]["rate"]) == (20, 19, 0.95)
    assert measured[LANE]["interval"] == pytest.approx([0.7639, 0.9911], abs=1e-3)
    assert "the first is clearly ahead" in done.text and "nothing is changed" in done.text


def test_lanes_that_cannot_be_told_apart_stand_in_the_order_of_cost(torre: Torre, traces: TraceStore) -> None:
    _judged(traces, LANE, 8, 10)
    _judged(traces, CHEAP, 7, 10, usd_micros=0)
    _judged(traces, CLAUDE, 7, 10, usd_micros=None)
    done = torre("policy", "suggest")
    assert done.data is not None
    route = done.data["routes"]["types"]
    assert (route["lanes"], route["clear"]) == ([CHEAP, LANE, CLAUDE], False)
    assert "intervals overlap" in done.text


def test_a_lane_that_is_not_allowed_is_not_suggested(torre: Torre, policy: Policy, traces: TraceStore) -> None:
    policy(f"allowed: [{CHEAP}]\n")
    _judged(traces, LANE, 20, 20)
    _judged(traces, CHEAP, 1, 20)
    done = torre("policy", "suggest")
    assert done.data is not None and done.data["routes"]["types"]["lanes"] == [CHEAP]


def test_too_few_runs_suggest_nothing(torre: Torre, traces: TraceStore) -> None:
    _judged(traces, LANE, 4, 4)
    done = torre("policy", "suggest")
    assert done.data is not None and done.data["routes"] == {}
    assert "no route is suggested" in done.text
    assert torre("policy", "suggest", "--least", "4").data["routes"]  # type: ignore[index]


def test_a_table_is_in_line_and_cannot_steer_the_terminal() -> None:
    text = table(("name", "calls"), [("a\x1b[2J\nb", 7), ("long name", 1000)])
    assert text.splitlines() == ["name       calls", "a b            7", "long name   1000"]


@pytest.mark.parametrize(
    ("micros", "unpriced", "words"),
    [
        (0, 0, "$0.00"),
        (1_500_000, 0, "$1.50"),
        (3150, 0, "$0.0032"),
        (42, 0, "$0.000042"),
        (None, 0, "unknown"),
        (0, 2, "unknown"),
        (1_500_000, 1, "$1.50 + unknown"),
    ],
)
def test_amounts(micros: int | None, unpriced: int, words: str) -> None:
    assert usd(micros, unpriced) == words


@pytest.mark.parametrize("arguments", [["usage", "--days", "99999999999"], ["trace", "--limit", str(10**30)]])
def test_numbers_beyond_reason_are_bounded(torre: Torre, told: TraceStore, arguments: list[str]) -> None:
    assert torre(*arguments).exit_code == 0
