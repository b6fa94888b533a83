"""`torre providers`: the lanes, what they call, whether their key is there, and what is left of their quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Mapping

    from llm.commands.base import Output
    from llm.ledger.base import Amount, Standing
    from llm.providers.models import Model
    from llm.providers.policy import Policy

HELP = "list the lanes: model, key, quota used, reserved and left, cooldown"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. PolicyError, LedgerError."""
    import os

    from llm.commands.base import Output, root_at, standings
    from llm.providers.policy import ProvidersPolicy

    root = root_at(options.path)
    policy = ProvidersPolicy(root).policy
    now = standings(root, os.environ, policy.timezone)
    lanes = [_lane(model, policy, now.get(lane), os.environ) for lane, model in policy.models.items()]
    budget = list(_budget(policy, now))
    on = policy.enabled(os.environ)
    data = {"enabled": on, "timezone": policy.timezone, "lanes": lanes, "budget": budget}
    return Output(_text(lanes, budget, on, policy.timezone), data)


def _lane(model: Model, policy: Policy, now: Standing | None, env: Mapping[str, str]) -> dict[str, Any]:
    from llm.providers.credentials import answers, credential

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
    from llm.ledger.base import Amount

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
    from llm.ledger.base import WORKSPACE, Amount

    day = now[WORKSPACE].day if WORKSPACE in now else Amount()
    held = Amount(usd_micros=sum(standing.open.usd_micros for standing in now.values()))
    yield _money("budget.daily_usd", day, held, policy.caps("").budget_daily_usd_micros)


def _window(name: str, counted: int, held: int, cap: int | None) -> dict[str, Any]:
    """`counted` holds what is reserved too. `left` is None where nothing caps it."""
    left = None if cap is None else max(0, cap - counted)
    return {"name": name, "used": max(0, counted - held), "reserved": min(held, counted), "cap": cap, "left": left}


def _money(name: str, day: Amount, held: Amount, cap: int | None) -> dict[str, Any]:
    return {**_window(name, day.usd_micros, held.usd_micros, cap), "unit": "micro-USD", "unpriced": day.unpriced}


def _text(lanes: list[dict[str, Any]], budget: list[dict[str, Any]], on: bool, timezone: str) -> str:
    from llm.report.table import table

    switch = "on" if on else "off: nobody is called; PROVIDERS_V1=1 turns them on"
    rows = [(lane["provider"], lane["model"], _key(lane), _state(lane), _price_words(lane)) for lane in lanes]
    quotas = [(lane["provider"], *_cells(each)) for lane in lanes for each in lane["quota"] if _telling(each)]
    quotas += [("all lanes", *_cells(each)) for each in budget if _telling(each)]
    blocks = [f"lanes are {switch}", table(("lane", "model", "key", "state", "USD per million in/out"), rows)]
    if quotas:
        blocks.append(table(("lane", "quota", "used", "reserved", "left", "of"), quotas))
        blocks.append(f"a day is a calendar day in {timezone}; rpm and tpm count the last 60 seconds")
    return "\n\n".join(blocks)


def _key(lane: dict[str, Any]) -> str:
    key = lane["key"]
    if not key["variable"]:
        return "needs none"
    return f"{key['variable']} is set" if key["present"] else f"set {key['variable']}"


def _state(lane: dict[str, Any]) -> str:
    if not lane["allowed"]:
        return "not allowed"
    if lane["cooldown_s"]:
        return f"{lane['cause']}, {lane['cooldown_s']:.0f} s more"
    if lane["failures_in_a_row"]:
        return f"{lane['failures_in_a_row']} failures in a row"
    if not lane["key"]["present"]:
        return "no key"
    return "ready" if lane["answers"] else "no server answers"


def _price_words(lane: dict[str, Any]) -> str:
    price = lane["price"]
    if price is None:
        return "unknown"
    if price["input"] == price["output"] == 0:
        return "free"
    return f"{price['input']:g}/{price['output']:g}" + (f" ({price['as_of']})" if price["as_of"] else "")


def _telling(window: dict[str, Any]) -> bool:
    return window["cap"] is not None or any(window.get(name) for name in ("used", "reserved", "unpriced"))


def _cells(window: dict[str, Any]) -> tuple[object, ...]:
    from llm.report.table import usd

    if "unit" not in window:
        left, cap = window["left"], window["cap"]
        return window["name"], window["used"], window["reserved"], _or_none(left), _or_none(cap)
    left, cap = (None if window[name] is None else usd(window[name]) for name in ("left", "cap"))
    used = usd(window["used"], window["unpriced"])
    return window["name"], used, usd(window["reserved"]), _or_none(left), _or_none(cap)


def _or_none(value: object) -> object:
    return "no cap" if value is None else value
