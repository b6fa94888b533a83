"""Which lanes a decision takes and drops, and why: the contract's table and whatever stands in a lane's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from llm.domain import RouteDecision, Skipped, SkipReason, Stage
from llm.ledger.base import WORKSPACE, Amount, Standing
from llm.providers.credentials import credential
from llm.providers.models import DEFAULT_MODELS, Model
from llm.providers.policy import Policy
from llm.providers.policy_file import Budget, Quota
from llm.providers.route import as_mapping, decide

GPT, CLAUDE, GEMINI, LOCAL = "openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5", "local/qwen2.5-7b"
KEYS = {"OPENAI_API_KEY": "k1", "ANTHROPIC_API_KEY": "k2", "GOOGLE_API_KEY": "k3"}
DEFAULTS = Policy()
IDLE = Standing(Amount(), Amount(), Amount(), 0.0, "", 0)


def decided(
    stage: Stage = Stage.TYPES,
    policy: Policy = DEFAULTS,
    env: Mapping[str, str] = KEYS,
    standing: Mapping[str, Standing] | None = None,
    assets: bool = False,
) -> RouteDecision:
    return decide(stage, policy, lambda m: credential(m, env), assets=assets, standing=standing or {})


def skipped(decision: RouteDecision) -> list[tuple[str, SkipReason, str]]:
    return [(each.lane, each.reason, each.detail) for each in decision.skipped]


@pytest.mark.parametrize(
    ("stage", "lanes"),
    [
        (Stage.BUILD, (CLAUDE, GPT)),
        (Stage.TYPES, (CLAUDE, GPT)),
        (Stage.TESTS, (GPT, LOCAL)),
        (Stage.STYLE, (GPT, LOCAL)),
        (Stage.DOCS, (GPT, LOCAL)),
        (Stage.GENERAL, (GPT, LOCAL)),
    ],
)
def test_the_default_rules(stage: Stage, lanes: tuple[str, ...]) -> None:
    decision = decided(stage)
    assert decision.providers == lanes
    assert decision.rule == f"default:{stage}"
    assert decision.reason == f"{stage}: {'+'.join(lanes)}"
    assert decision.skipped == ()


def test_the_seeds_reason_word_for_word() -> None:
    decision = as_mapping(decided(Stage.TYPES))
    assert decision["reason"] == "types: anthropic/claude-3.5+openai/gpt-4o"
    assert (decision["stage"], decision["providers"]) == ("types", [CLAUDE, GPT])


@pytest.mark.parametrize("stage", Stage)
def test_assets_have_a_rule_of_their_own_in_every_stage(stage: Stage) -> None:
    decision = decided(stage, assets=True)
    assert decision.providers == (GEMINI, GPT)
    assert decision.stage is stage
    assert decision.rule == "default:assets"


def test_assets_go_to_lanes_with_vision_only() -> None:
    blind = {**DEFAULT_MODELS, GPT: replace(DEFAULT_MODELS[GPT], vision=False)}
    decision = decided(policy=Policy(models=blind), assets=True)
    assert decision.providers == (GEMINI,)
    assert [(s.lane, s.reason) for s in decision.skipped] == [(GPT, SkipReason.NO_VISION)]


def test_the_policys_route_fires_instead_and_the_decision_names_it() -> None:
    policy = Policy(routes={"types": (LOCAL,), "assets": (GPT,)})
    assert decided(Stage.TYPES, policy).providers == (LOCAL,)
    assert decided(Stage.TYPES, policy).rule == "policy:types"
    assert decided(Stage.BUILD, policy).rule == "default:build"
    assert decided(Stage.TYPES, policy, assets=True).providers == (GPT,)


def test_a_lane_that_is_not_allowed_is_skipped_whatever_stands_in_the_others_way() -> None:
    policy = Policy(allowed=(GPT,), quotas={GPT: Quota(daily_calls=0)})
    decision = decided(Stage.TYPES, policy)
    assert decision.providers == ()
    assert decision.reason == "types: no lane can be asked"
    assert [(s.lane, s.reason) for s in decision.skipped] == [
        (CLAUDE, SkipReason.NOT_ALLOWED),
        (GPT, SkipReason.QUOTA),
    ]


def test_none_allowed_is_none() -> None:
    assert decided(policy=Policy(allowed=())).providers == ()


def test_without_a_key_the_variable_to_set_is_named() -> None:
    decision = decided(Stage.TYPES, env={"OPENAI_API_KEY": "k"})
    assert decision.providers == (GPT,)
    assert skipped(decision) == [(CLAUDE, SkipReason.NO_CREDENTIALS, "set ANTHROPIC_API_KEY")]


def test_a_key_of_blanks_is_none() -> None:
    assert decided(Stage.TYPES, env={**KEYS, "OPENAI_API_KEY": " \n"}).providers == (CLAUDE,)


def test_the_second_variable_will_do() -> None:
    decision = decided(assets=True, env={"GOOGLE_API_KEY": "k"})
    assert decision.lanes[0].reason == "number 1 of default:assets; key in GOOGLE_API_KEY"
    assert decided(assets=True, env={}).skipped[0].detail == "set GEMINI_API_KEY"


def test_a_local_server_needs_no_key() -> None:
    decision = decided(Stage.TESTS, env={})
    assert decision.providers == (LOCAL,)
    assert decision.lanes[0].reason == "number 2 of default:tests; needs no key"


@pytest.mark.parametrize(
    ("quota", "now"),
    [
        (Quota(daily_calls=3), replace(IDLE, day=Amount(calls=3))),
        (Quota(daily_tokens=900), replace(IDLE, day=Amount(tokens=900))),
        (Quota(daily_usd=0.5), replace(IDLE, day=Amount(usd_micros=500_000))),
        (Quota(rpm=2), replace(IDLE, minute=Amount(calls=2))),
        (Quota(tpm=5000), replace(IDLE, minute=Amount(tokens=5001))),
        (Quota(concurrency=0), IDLE),
    ],
)
def test_a_lane_without_quota_makes_room_for_the_next_and_the_cap_is_named(quota: Quota, now: Standing) -> None:
    (cap,) = [name for name in Quota.__slots__ if getattr(quota, name) is not None]
    decision = decided(Stage.TYPES, Policy(quotas={CLAUDE: quota}), standing={CLAUDE: now})
    assert decision.providers == (GPT,)
    assert skipped(decision) == [(CLAUDE, SkipReason.QUOTA, cap)]


def test_one_call_below_the_cap_is_room() -> None:
    now = replace(IDLE, day=Amount(calls=2))
    assert decided(policy=Policy(quotas={CLAUDE: Quota(daily_calls=3)}), standing={CLAUDE: now}).skipped == ()


def test_a_lane_that_is_busy_now_may_be_free_when_it_is_asked() -> None:
    busy = replace(IDLE, open=Amount(calls=4))
    assert decided(policy=Policy(quotas={CLAUDE: Quota(concurrency=4)}), standing={CLAUDE: busy}).skipped == ()


def test_the_workspaces_budget_stops_every_lane() -> None:
    spent = {WORKSPACE: replace(IDLE, day=Amount(usd_micros=2_000_000))}
    decision = decided(policy=Policy(budget=Budget(daily_usd=2)), standing=spent)
    assert [s.detail for s in decision.skipped] == ["budget.daily_usd", "budget.daily_usd"]


def test_under_a_cap_in_dollars_a_lane_without_a_price_is_skipped() -> None:
    unpriced = {**DEFAULT_MODELS, CLAUDE: replace(DEFAULT_MODELS[CLAUDE], price=None)}
    capped = Policy(models=unpriced, quotas={CLAUDE: Quota(daily_usd=1)})
    assert [(s.lane, s.reason) for s in decided(policy=capped).skipped] == [(CLAUDE, SkipReason.UNPRICED)]
    assert decided(policy=Policy(models=unpriced)).skipped == ()


@pytest.mark.parametrize(
    ("now", "reason", "detail"),
    [
        (replace(IDLE, cooldown_s=6.6, cause="rate_limit"), SkipReason.COOLDOWN, "rate_limit: 7 s more"),
        (replace(IDLE, cooldown_s=30, cause="circuit_open"), SkipReason.CIRCUIT_OPEN, "circuit_open: 30 s more"),
        (
            replace(IDLE, failures=5, open=Amount(calls=1)),
            SkipReason.CIRCUIT_OPEN,
            "5 failures in a row, one call is trying it",
        ),
    ],
)
def test_a_lane_that_is_left_alone_says_why(now: Standing, reason: SkipReason, detail: str) -> None:
    assert decided(standing={CLAUDE: now}).skipped == (Skipped(CLAUDE, reason, detail),)


def test_a_lane_that_failed_is_tried_again_by_one_call() -> None:
    assert decided(standing={CLAUDE: replace(IDLE, failures=9)}).skipped == ()


def test_a_routes_lane_without_a_row_is_named() -> None:
    policy = Policy(allowed=("acme/coder",), routes={"types": ("acme/coder",)})
    assert decided(policy=policy).skipped[0].reason is SkipReason.NOT_CONFIGURED


def test_a_lane_of_the_users_own() -> None:
    acme = Model("acme/coder", "openai", "coder-2", "https://acme.example/v1", ("ACME_KEY",))
    policy = Policy(
        allowed=("acme/coder",), routes={"types": ("acme/coder",)}, models={**DEFAULT_MODELS, "acme/coder": acme}
    )
    assert decided(policy=policy, env={"ACME_KEY": "k"}).providers == ("acme/coder",)
    assert decided(policy=policy, env={}).skipped[0].detail == "set ACME_KEY"


def test_stubs_need_neither_keys_nor_quota_but_they_must_be_allowed() -> None:
    policy = Policy(allowed=(CLAUDE,), quotas={CLAUDE: Quota(daily_calls=0)})
    decision = decide(Stage.TYPES, policy, lambda m: credential(m, {}), stub=True)
    assert decision.stub
    assert decision.providers == (CLAUDE,)
    assert [s.reason for s in decision.skipped] == [SkipReason.NOT_ALLOWED]
