"""The lanes as they stand: what each calls, whether its key is there, what is left of its quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llm.kept.stores import standings
from llm.ledger.base import WORKSPACE, Amount, Standing
from llm.providers.credentials import answers, credential
from llm.providers.models import Model
from llm.providers.policy import Policy, ProvidersPolicy


def quotas(root: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Every lane and the budget of all, as plain JSON. PolicyError, LedgerError."""
    policy = ProvidersPolicy(root, env).policy
    now = standings(root, env, policy.timezone)
    return {
        "enabled": policy.enabled(env),
        "timezone": policy.timezone,
        "lanes": [_lane(model, policy, now.get(lane), env) for lane, model in policy.models.items()],
        "budget": list(_budget(policy, now)),
    }


def _lane(model: Model, policy: Policy, now: Standing | None, env: Mapping[str, str]) -> dict[str, Any]:
    key = credential(model, env)
    return {
        "provider": model.lane,
        "allowed": model.lane in policy.allowed,
        "model": model.model,
        "protocol": model.protocol,
        "base_url": model.base_url,
        "vision": model.vision,
        "key": {"variable": key.variable, "present": key.present},
        "answers": answers(model),
        "price": _price(model),
        "quota": list(_quota(model.lane, policy, now)),
        "cooldown_s": round(now.cooldown_s, 1) if now else 0.0,
        "cause": now.cause if now else "",
        "failures_in_a_row": now.failures if now else 0,
    }


def _price(model: Model) -> dict[str, Any] | None:
    if model.price is None:
        return None
    return {"input": model.price.input, "output": model.price.output, "as_of": model.price_as_of}


def _quota(lane: str, policy: Policy, now: Standing | None) -> Iterator[dict[str, Any]]:
    """What is used, reserved and left of each cap; without a cap, of what is used today."""
    caps = policy.caps(lane)
    none = Amount()
    day, minute, held = (now.day, now.minute, now.open) if now else (none, none, none)
    yield _window("daily_calls", day.calls, held.calls, caps.daily_calls)
    yield _window("daily_tokens", day.tokens, held.tokens, caps.daily_tokens)
    yield _money("daily_usd", day, held, caps.daily_usd_micros)
    yield _window("rpm", minute.calls, 0, caps.rpm)
    yield _window("tpm", minute.tokens, 0, caps.tpm)
    yield _window("concurrency", held.calls, held.calls, caps.concurrency)


def _budget(policy: Policy, now: Mapping[str, Standing]) -> Iterator[dict[str, Any]]:
    """What all lanes together used; what is reserved is counted lane by lane."""
    day = now[WORKSPACE].day if WORKSPACE in now else Amount()
    held = Amount(usd_micros=sum(standing.open.usd_micros for standing in now.values()))
    yield _money("budget.daily_usd", day, held, policy.caps("").budget_daily_usd_micros)


def _window(name: str, counted: int, held: int, cap: int | None) -> dict[str, Any]:
    """`counted` holds what is reserved too. `left` is None where nothing caps it."""
    left = None if cap is None else max(0, cap - counted)
    return {"name": name, "used": max(0, counted - held), "reserved": min(held, counted), "cap": cap, "left": left}


def _money(name: str, day: Amount, held: Amount, cap: int | None) -> dict[str, Any]:
    return {**_window(name, day.usd_micros, held.usd_micros, cap), "unit": "micro-USD", "unpriced": day.unpriced}
