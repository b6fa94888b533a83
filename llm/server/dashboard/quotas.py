"""Page 2, `/quotas`: the caps as they stand, when they are reached, and what was refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from llm.kept.board.quotas import Gauge, QuotaBoard, Refused, quota_board
from llm.ledger.days import Days
from llm.server.dashboard.charts.gauge import gauge
from llm.server.dashboard.charts.svg import Words
from llm.server.dashboard.view import words
from llm.server.dashboard.view.sheet import Sheet
from llm.server.dashboard.view.sight import Sight
from llm.server.pages import Pages

_ALL = "All providers"
_DAILY = "daily"


def _ask(seen: Sight) -> QuotaBoard:
    return quota_board(seen.figures, seen.root, seen.service.env, seen.view.filter)


def _draw(seen: Sight, board: QuotaBoard) -> Mapping[str, Any]:
    chosen = seen.view.filter.provider
    lanes: dict[str, list[dict[str, Any]]] = {}
    for number, one in enumerate(sorted(board.gauges, key=lambda one: one.lane != "")):
        if not chosen or one.lane in ("", chosen):
            lanes.setdefault(one.lane, []).append(_told(one, number, board, seen.timezone))
    most = max((row.calls for row in board.refused), default=1)
    refused = [
        {"row": row, "share": row.calls / most, "href": seen.view.href("/runs", row.within(seen.view.filter))}
        for row in board.refused
    ]
    today = replace(seen.view.lasting, since=Days(board.timezone).at(time.time()).starts_at, until=board.resets_at)
    hrefs = {lane or _ALL: seen.view.href("/runs", replace(today, provider=lane)) for lane in lanes}
    return {"lanes": {lane or _ALL: told for lane, told in lanes.items()}, "hrefs": hrefs, "refused": refused}


def _told(one: Gauge, number: int, board: QuotaBoard, timezone: str) -> dict[str, Any]:
    used = words.amount(one.settled + one.reserved, one.unit)
    return {
        "name": words.CAPS.get(one.name, one.name),
        "used": used,
        "cap": words.amount(one.cap, one.unit),
        "capped": one.cap is not None,
        "chart": _chart(one, number, board) if one.cap else None,
        "left": words.amount(one.left, one.unit),
        "reserved": words.amount(one.reserved, one.unit),
        "held": one.reserved > 0,
        "forecast": _forecast(one, board, timezone),
    }


def _forecast(one: Gauge, board: QuotaBoard, timezone: str) -> str:
    if one.cap is None:
        return ""
    if one.left == 0:
        return "reached"
    if one.reached_at is not None:
        rate = words.amount(one.per_hour, one.unit)
        return f"reached at {words.clock(one.reached_at, timezone)} at {rate} an hour"
    if _DAILY in one.name:
        return f"lasts until it starts anew at {words.clock(board.resets_at, timezone)}"
    return ""


def _chart(one: Gauge, number: int, board: QuotaBoard) -> Markup:
    cap = one.cap or 1
    name = f"{one.lane or _ALL}, {words.CAPS.get(one.name, one.name).lower()}"
    told = (
        f"{words.amount(one.settled, one.unit)} settled and {words.amount(one.reserved, one.unit)} reserved of "
        f"{words.amount(one.cap, one.unit)}; {words.amount(one.left, one.unit)} left."
    )
    return gauge(
        Words(f"gauge-{number}", name, told), one.settled / cap, one.reserved / cap, _expected(one, board)
    )


def _expected(one: Gauge, board: QuotaBoard) -> float | None:
    """Where a daily window will stand when it ends, if it goes on like this."""
    if _DAILY not in one.name or not one.cap or not one.per_hour:
        return None
    hours = max(0.0, board.resets_at - time.time()) / 3600
    return (one.settled + one.reserved + one.per_hour * hours) / one.cap


_SHEET = Sheet("/quotas", "quotas", "Quotas", _ask, _draw, {"gauges": Gauge, "refused": Refused})
PAGES = Pages(_SHEET.routes())
