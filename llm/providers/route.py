"""Which lanes are asked, and which not and why. Pure: no clock, no disk, no network, no environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from llm.domain import LaneChoice, RouteDecision, Skipped, SkipReason, Stage
from llm.ledger.base import WORKSPACE, Amount, Caps, Standing
from llm.providers.credentials import Credential
from llm.providers.models import Model
from llm.providers.policy import Policy
from llm.providers.policy_file import StageName
from llm.providers.retries import BREAKER_AFTER

_PRECISE = ("anthropic/claude-3.5", "openai/gpt-4o")
_CHEAP = ("openai/gpt-4o", "local/qwen2.5-7b")

DEFAULT_ROUTES: Mapping[StageName, tuple[str, ...]] = MappingProxyType(
    {
        "build": _PRECISE,
        "types": _PRECISE,
        "tests": _CHEAP,
        "style": _CHEAP,
        "docs": _CHEAP,
        "general": _CHEAP,
        "assets": ("google/gemini-1.5", "openai/gpt-4o"),
    }
)
"""Long context and precision where it is about types and builds, precision and low cost elsewhere."""

_NOTHING_USED: Mapping[str, Standing] = MappingProxyType({})
_UNUSED = Standing(Amount(), Amount(), Amount(), 0.0, "", 0)


def decide(
    stage: Stage,
    policy: Policy,
    credential: Callable[[Model], Credential],
    *,
    assets: bool = False,
    standing: Mapping[str, Standing] = _NOTHING_USED,
    stub: bool = False,
) -> RouteDecision:
    """The lanes of the rule that can be asked now, in its order, and the others with the reason.

    `standing` is what the ledger says; it is a forecast, for the reservation is what holds. `stub`: the lanes
    answer offline, so that neither keys nor quotas matter.
    """
    route: StageName = "assets" if assets else stage.value
    rule = f"{'policy' if route in policy.routes else 'default'}:{route}"
    lanes = policy.routes.get(route, DEFAULT_ROUTES[route])
    taken: list[LaneChoice] = []
    skipped: list[Skipped] = []
    for number, lane in enumerate(lanes, 1):
        why_not = _forbidden(lane, policy, assets)
        if why_not is None and not stub:
            why_not = _unable(policy.models[lane], policy, credential, standing)
        if why_not is not None:
            skipped.append(why_not)
        else:
            taken.append(LaneChoice(lane, f"number {number} of {rule}; {_access(lane, policy, credential, stub)}"))
    return RouteDecision(stage, rule, tuple(taken), tuple(skipped), stub)


def as_mapping(decision: RouteDecision) -> dict[str, Any]:
    """The decision as plain JSON: the seed's `stage`, `providers` and `reason`, and what led to them."""
    return {
        "stage": decision.stage.value,
        "providers": list(decision.providers),
        "reason": decision.reason,
        "rule": decision.rule,
        "lanes": [{"provider": choice.lane, "reason": choice.reason} for choice in decision.lanes],
        "skipped": [
            {"provider": lane.lane, "reason": lane.reason.value, "detail": lane.detail}
            for lane in decision.skipped
        ],
        "stub": decision.stub,
    }


def full_cap(lane: str, caps: Caps, standing: Mapping[str, Standing]) -> str:
    """The first cap that leaves no room for one more call, by its name in the policy; "" where there is room."""
    mine, all_lanes = standing.get(lane, _UNUSED), standing.get(WORKSPACE, _UNUSED)
    used = (
        ("budget.daily_usd", all_lanes.day.usd_micros, caps.budget_daily_usd_micros),
        ("daily_usd", mine.day.usd_micros, caps.daily_usd_micros),
        ("daily_calls", mine.day.calls, caps.daily_calls),
        ("daily_tokens", mine.day.tokens, caps.daily_tokens),
        ("rpm", mine.minute.calls, caps.rpm),
        ("tpm", mine.minute.tokens, caps.tpm),
        ("concurrency", 0, caps.concurrency),  # what is open now may be closed when the lane is asked
    )
    return next((name for name, amount, cap in used if cap is not None and amount >= cap), "")


def _forbidden(lane: str, policy: Policy, assets: bool) -> Skipped | None:
    """Reasons that hold for a stub too."""
    if lane not in policy.allowed:
        return Skipped(lane, SkipReason.NOT_ALLOWED, "not in `allowed` of the policy")
    model = policy.models.get(lane)
    if model is None:
        return Skipped(lane, SkipReason.NOT_CONFIGURED, f"no row `{lane}` in `models` of the policy")
    if assets and not model.vision:
        return Skipped(lane, SkipReason.NO_VISION, "the request has assets, and the row has no `vision: true`")
    return None


def _unable(
    model: Model, policy: Policy, credential: Callable[[Model], Credential], standing: Mapping[str, Standing]
) -> Skipped | None:
    """Reasons why a real call cannot be made now."""
    lane, caps, now = model.lane, policy.caps(model.lane), standing.get(model.lane, _UNUSED)
    key = credential(model)
    if not key.present:
        return Skipped(lane, SkipReason.NO_CREDENTIALS, f"set {key.variable}")
    if caps.in_money and model.price is None:
        return Skipped(lane, SkipReason.UNPRICED, "a cap in USD holds, and the lane's row has no `price`")
    if now.cooldown_s > 0:
        reason = SkipReason.CIRCUIT_OPEN if now.cause == SkipReason.CIRCUIT_OPEN else SkipReason.COOLDOWN
        return Skipped(lane, reason, f"{now.cause}: {now.cooldown_s:.0f} s more")
    if now.failures >= BREAKER_AFTER and now.open.calls:
        return Skipped(lane, SkipReason.CIRCUIT_OPEN, f"{now.failures} failures in a row, one call is trying it")
    if cap := full_cap(lane, caps, standing):
        return Skipped(lane, SkipReason.QUOTA, cap)
    return None


def _access(lane: str, policy: Policy, credential: Callable[[Model], Credential], stub: bool) -> str:
    if stub:
        return "offline stub"
    variable = credential(policy.models[lane]).variable
    return f"key in {variable}" if variable else "needs no key"
