"""What a vendor does wrong costs its own candidate only; what nobody can answer ends in the right exit code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.provider_runs import (
    FILES,
    FIX,
    GPT,
    GREEN,
    LOCAL,
    RED,
    User,
    ended,
    failures,
    providers,
    reply,
    row,
    whole,
)
from tests.providers.servers import Llmock

PROSE = "I have looked at it and I am sorry to say that it is red."
Behaviour = dict[str, Any]


def fail(status: int, **more: Any) -> list[Behaviour]:
    return [{"type": "fail", "status": status, "times": None, **more}]


def say(text: str, **fault: Any) -> list[Behaviour]:
    said: list[Behaviour] = [{"type": "reply", "text": text, "times": None}]
    return [*said, {"type": "stream_fault", "times": None, **fault}] if fault else said


FAULTS: dict[str, tuple[list[Behaviour], str, int]] = {
    "500": (fail(500), "server", 2),
    "401": (fail(401), "auth", 1),
    "402": (fail(402), "hard_quota", 1),
    "hard quota": (fail(429, code="insufficient_quota"), "hard_quota", 1),
    "429": (fail(429, retry_after=7), "rate_limit", 1),
    "cut": (say(whole(GREEN), kind="truncate", after_chunks=3), "truncated", 1),
    "disconnect": (say(whole(GREEN), kind="disconnect", after_chunks=3), "truncated", 1),
    "malformed": (say(whole(GREEN), kind="malformed", after_chunks=3), "malformed", 1),
    "empty": (say(""), "empty", 1),
    "prose": (say(PROSE), "rejected_edit", 2),
}
"""What the server does, why the lane brings nothing, and how many calls that costs."""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "home")


@pytest.fixture
def red(workspace: Callable[..., Path]) -> Path:
    return workspace(FILES)


def scripted(server: Llmock, **by_model: list[Behaviour]) -> None:
    """Each model of the server behaves in its own way."""
    server.will(*({**each, "match": {"model": model}} for model, said in by_model.items() for each in said))


def calls(server: Llmock) -> list[str]:
    return [
        request["model"] or request["path"].rpartition("/")[2].partition(":")[0] for request in server.requests()
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lane_that_fails_costs_its_own_candidate_only(
    fault: str, user: User, red: Path, llmock: Llmock, schema: Draft202012Validator
) -> None:
    behaviour, reason, cost = FAULTS[fault]
    scripted(llmock, bad=behaviour, good=say(whole(GREEN)))
    user.lanes({GPT: row(GPT, llmock, "bad"), LOCAL: row(LOCAL, llmock, "good")}, race=False)

    ran = user.fix(red)

    answer = ran.json()
    schema.validate(answer)
    assert (ran.exit_code, answer["mode"]) == (0, "PATCH"), answer["report"]["summary"]
    assert failures(answer) == {GPT: reason}
    assert providers(answer)["selected"]["provider"] == LOCAL
    assert calls(llmock).count("bad") == cost
    rows = [a for a in user.attempts(red) if a["lane"] == GPT]
    assert [a["cause"] for a in rows] == ["ok" if reason == "rejected_edit" else reason] * cost
    if reason == "rejected_edit":
        assert {a["verdict"] for a in rows} == {"invalid_diff"}


def test_a_stalled_lane_ends_with_the_deadline(user: User, red: Path, llmock: Llmock) -> None:
    stall = say(whole(GREEN), kind="stall", after_chunks=3, stall_seconds=600)
    scripted(llmock, slow=stall, good=say(whole(GREEN)))
    user.lanes({GPT: row(GPT, llmock, "slow"), LOCAL: row(LOCAL, llmock, "good")}, race=False)
    began = time.monotonic()
    ran = user.fix(red, "--deadline", "12")
    assert time.monotonic() - began < 60
    assert ran.exit_code == 0, ran.stderr
    (stalled,) = [a for a in user.attempts(red) if a["lane"] == GPT]
    assert stalled["cause"] in ("timeout", "cancelled")


def test_all_lanes_failed_is_exit_code_3(user: User, red: Path, llmock: Llmock) -> None:
    scripted(llmock, one=fail(500), two=say(PROSE))
    user.lanes({GPT: row(GPT, llmock, "one"), LOCAL: row(LOCAL, llmock, "two")})
    ran = user.fix(red)
    answer = ran.json()
    assert (ran.exit_code, answer["exit_code"], answer["mode"], answer["diff"]) == (3, 3, "ADVISORY", "")
    assert failures(answer) == {GPT: "server", LOCAL: "rejected_edit"}
    assert "selected" not in providers(answer)
    assert answer["metrics"]["trace"]["provider"] is None


@pytest.mark.parametrize(
    "limits",
    [
        {"quotas": {GPT: {"daily_calls": 0}}},
        {"quotas": {GPT: {"rpm": 0}}},
        {"quotas": {GPT: {"tpm": 10}}},
        {"quotas": {GPT: {"daily_usd": 0.001}}},
        {"budget": {"run_usd": 0.001}},
        {"budget": {"daily_usd": 0}},
    ],
    ids=str,
)
def test_a_quota_or_budget_refuses_before_anything_is_sent(
    limits: dict[str, Any], user: User, red: Path, llmock: Llmock
) -> None:
    scripted(llmock, m=say(whole(GREEN)))
    user.lanes({GPT: row(GPT, llmock, "m", price={"input": 2.0, "output": 10.0})}, **limits)
    ran = user.fix(red)
    answer = ran.json()
    assert (ran.exit_code, answer["mode"], answer["diff"]) == (4, "ADVISORY", "")
    assert llmock.requests() == []
    counted = user.told("usage", cwd=red)["counted"]
    assert sum(each["calls"] for each in counted) == 0, "a call that was refused consumes nothing"


def test_a_lane_without_quota_gives_way_to_the_next(user: User, red: Path, llmock: Llmock) -> None:
    scripted(llmock, full=say(whole(GREEN)), free=say(whole(GREEN)))
    lanes = {GPT: row(GPT, llmock, "full"), LOCAL: row(LOCAL, llmock, "free")}
    user.lanes(lanes, quotas={GPT: {"daily_calls": 0}})
    ran = user.fix(red)
    assert ran.exit_code == 0, ran.stderr
    decision = providers(ran.json())["router_decision"]
    assert decision["providers"] == [LOCAL]
    assert [(s["provider"], s["reason"], s["detail"]) for s in decision["skipped"]] == [
        (GPT, "quota", "daily_calls")
    ]
    assert calls(llmock) == ["free"]


def test_under_a_cap_in_dollars_a_lane_without_a_price_is_not_called(
    user: User, red: Path, llmock: Llmock
) -> None:
    scripted(llmock, m=say(whole(GREEN)))
    user.lanes({GPT: row(GPT, llmock, "m")}, budget={"daily_usd": 5})
    ran = user.fix(red)
    assert ran.exit_code == 4
    assert providers(ran.json())["router_decision"]["skipped"][0]["reason"] == "unpriced"
    assert llmock.requests() == []


def test_retry_after_holds_for_every_process_until_it_has_passed(user: User, red: Path, llmock: Llmock) -> None:
    refusal = {"type": "fail", "status": 429, "retry_after": 7, "match": {"model": "m"}}
    llmock.will(refusal, {"type": "reply", "text": whole(GREEN)})
    user.lanes({GPT: row(GPT, llmock, "m")})
    assert user.fix(red).exit_code == 3
    (lane,) = [each for each in user.told("providers", cwd=red)["lanes"] if each["provider"] == GPT]
    assert 0 < lane["cooldown_s"] <= 7
    while len(llmock.requests()) < 2:
        ran = user.fix(red)
        if ran.exit_code != 0:
            skipped = providers(ran.json())["router_decision"]["skipped"]
            assert (ran.exit_code, [each["reason"] for each in skipped]) == (1, ["cooldown"])
    refused, answered = llmock.requests()
    assert answered["started_at"] - refused["ended_at"] > 6.9
    assert ran.exit_code == 0, "afterwards it is called again"


def test_sixteen_processes_race_for_three_calls(user: User, red: Path, llmock: Llmock) -> None:
    scripted(llmock, m=say(whole(GREEN)))
    user.lanes({GPT: row(GPT, llmock, "m")}, quotas={GPT: {"daily_calls": 3}})
    runs = [ended(process) for process in [user.start(*FIX, cwd=red) for _ in range(16)]]
    assert sorted(run.exit_code for run in runs) == [0] * 3 + [4] * 13
    assert len(llmock.requests()) == 3
    (counted,) = [each for each in user.told("usage", cwd=red)["counted"] if each["lane"] == GPT]
    assert counted["calls"] == 3


def test_the_same_failure_is_not_paid_for_without_end(user: User, red: Path, llmock: Llmock) -> None:
    """A loop in CI: three attempts a run, and one day's cap on one and the same failure."""
    scripted(llmock, m=say(PROSE))
    user.lanes({GPT: row(GPT, llmock, "m")}, samples=8, rounds=1)
    runs = [user.fix(red) for _ in range(3)]
    assert [run.exit_code for run in runs] == [3, 3, 4]
    assert "same failure" in providers(runs[-1].json())["held_back"]
    assert len(llmock.requests()) == 32


def test_one_run_alone_does_not_go_on_without_end_either(user: User, red: Path, llmock: Llmock) -> None:
    """Eight samples of five rounds are forty attempts; whoever asks for one more counts all that were made."""
    wrong = (RED.replace("raise NotImplementedError", f'return "{number}"') for number in range(40))
    llmock.will(*(reply("m", text) for text in wrong))
    user.lanes({GPT: row(GPT, llmock, "m")}, samples=8, rounds=5, race=False)
    ran = user.fix(red)
    assert ran.exit_code == 1
    assert 24 <= len(llmock.requests()) < 24 + 8


@pytest.mark.parametrize(("variables", "told"), [({"CI": "true"}, True), ({"CI": "false"}, False), ({}, False)])
def test_in_ci_without_a_shared_ledger_caps_are_said_to_be_per_job(
    variables: dict[str, str], told: bool, user: User, red: Path, llmock: Llmock, tmp_path: Path
) -> None:
    llmock.will(*(reply("m", GREEN) for _ in range(2)))
    user.lanes({GPT: row(GPT, llmock, "m")})
    notes = user.fix(red, **variables).json()["report"]["notes"]
    shared = user.fix(red, **variables, TORRE_LEDGER=str(tmp_path / "shared.sqlite")).json()["report"]["notes"]
    assert any("per job" in note and "TORRE_LEDGER" in note for note in notes) == told
    assert not any("per job" in note for note in shared)
    findings = {
        f["name"]: f for f in json.loads(user.torre("doctor", "--json", cwd=red, **variables).stdout)["findings"]
    }
    assert ("quotas" in findings) == told
    assert not told or (findings["quotas"]["status"], bool(findings["quotas"]["remedy"])) == ("warning", True)
