"""`torre providers`: the lanes, what they call, whether their key is there, and what is left of their quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "list the lanes: model, key, quota used, reserved and left, cooldown"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. PolicyError, LedgerError."""
    import os

    from llm.commands.base import Output, root_at
    from llm.kept.quotas import quotas

    data = quotas(root_at(options.path), os.environ)
    return Output(_text(data["lanes"], data["budget"], data["enabled"], data["timezone"]), data)


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
