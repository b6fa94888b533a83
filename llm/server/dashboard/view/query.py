"""The filter of a page as it stands in its address, and addresses that keep it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request

from llm.domain import Stage
from llm.kept.board.filters import OUTCOMES, Filter
from llm.server.operation import Parameter, read_query
from llm.server.problem import Problem

CUSTOM = "custom"
_DAY_S = 86400.0
_MOST = 1e11
TIMES: Mapping[str, tuple[str, float]] = {
    "24h": ("Last 24 hours", _DAY_S),
    "7d": ("Last 7 days", 7 * _DAY_S),
    "30d": ("Last 30 days", 30 * _DAY_S),
    "90d": ("Last 90 days", 90 * _DAY_S),
    "all": ("All that is kept", math.inf),
}
USUAL = "30d"
_STAGES = ("", *(str(stage) for stage in Stage))
PARAMETERS = (
    Parameter(
        "time", "string", "the last so long, or custom: `since` and `until`", None, choices=(*TIMES, CUSTOM)
    ),
    Parameter("since", "number", "seconds since the epoch", None, 0, _MOST),
    Parameter("until", "number", "seconds since the epoch", None, 0, _MOST),
    Parameter("workspace", "string", "a path as the runs have it", ""),
    Parameter("stage", "string", "what kind of red it was", "", choices=_STAGES),
    Parameter("provider", "string", "a lane; two with a space: the second answered for the first", ""),
    Parameter("outcome", "string", "how the run stands", "", choices=("", *OUTCOMES)),
    Parameter("min_ms", "integer", "took so long or longer", None, 0, _MOST),
    Parameter("max_ms", "integer", "took less", None, 0, _MOST),
    Parameter("attempts", "integer", "so many attempts were sent", None, 0, _MOST),
    Parameter("cause", "string", "an attempt was refused or failed for it", ""),
)
CURSOR = Parameter("cursor", "string", "`next` of the page before", "")
_TIMED = ("since", "until")
_NUMBERS = ("min_ms", "max_ms", "attempts")


@dataclass(frozen=True, slots=True)
class View:
    """What one request looks at. `time` is a key of `TIMES` or `CUSTOM`."""

    time: str
    filter: Filter
    cursor: str = ""

    def href(self, path: str, chosen: Filter | None = None, **more: str) -> str:
        """An address of another page, or of the same, with the runs of `chosen`, else the same runs."""
        chosen = chosen or self.filter
        told: dict[str, Any] = {}
        if (chosen.since, chosen.until) == (self.filter.since, self.filter.until) and self.time != CUSTOM:
            told = {} if self.time == USUAL else {"time": self.time}
        else:
            told = {"since": _number(chosen.since), "until": _number(chosen.until)}
        plain = ((each.name, getattr(chosen, each.name)) for each in fields(Filter) if each.name not in _TIMED)
        told |= {name: value for name, value in plain if value not in ("", None)}
        told |= {name: value for name, value in more.items() if value}
        return path + (f"?{urlencode(told, quote_via=quote)}" if told else "")

    def here(self, chosen: Filter, time: str = "") -> str:
        """The same page with the runs of `chosen`; `time`: of that time instead."""
        there = replace(self, time=time, filter=replace(chosen, since=0.0, until=0.0)) if time else self
        return there.href("", there.filter if time else chosen) or "?"

    def without(self, name: str) -> str:
        """The same page without one thing that it asks for; `time` is the usual one then."""
        if name == "time":
            return self.here(self.filter, USUAL)
        gone: dict[str, Any] = {name: None if name in _NUMBERS else ""}
        return self.here(replace(self.filter, **gone))

    def but(self, **changed: Any) -> Filter:
        """The runs of the page, but for what is changed."""
        return replace(self.filter, **changed)

    @property
    def narrowed(self) -> bool:
        """Whether anything beside the time is asked for."""
        plain = (getattr(self.filter, each.name) for each in fields(Filter) if each.name not in _TIMED)
        return any(value not in ("", None) for value in plain)

    @property
    def usual(self) -> bool:
        """Whether nothing is asked for."""
        return self.time == USUAL and not self.narrowed

    @property
    def lasting(self) -> Filter:
        """What stays when another page is looked at."""
        return replace(self.filter, outcome="", min_ms=None, max_ms=None, attempts=None, cause="")

    @property
    def further(self) -> dict[str, Any]:
        """What charts link by and no select box offers."""
        names = (*_NUMBERS, "cause")
        return {name: value for name in names if (value := getattr(self.filter, name)) not in ("", None)}

    def hidden(self, with_outcome: bool) -> dict[str, Any]:
        """What the filter's form has to send on."""
        timed = {"since": _number(self.filter.since), "until": _number(self.filter.until)}
        outcome = {} if with_outcome or not self.filter.outcome else {"outcome": self.filter.outcome}
        return {**(timed if self.time == CUSTOM else {}), **self.further, **outcome}


def view_of(request: Request, *more: Parameter) -> View:
    """What the address asks for. Problem 422."""
    query = read_query(request, (*PARAMETERS, *more))
    chosen = query.pop("time")
    since, until, cursor = query.pop("since"), query.pop("until"), query.pop("cursor", "")
    if chosen in (None, CUSTOM) and (since is not None or until is not None):
        begin, end = since or 0.0, _soon() if until is None else until
        if begin >= end:
            raise Problem(422, "input", "query.since: is not before `until`", "query.since")
        return View(CUSTOM, Filter(begin, end, **query), cursor)
    chosen = USUAL if chosen in (None, CUSTOM) else chosen
    end = _soon()
    return View(chosen, Filter(max(0.0, end - TIMES[chosen][1]), end, **query), cursor)


def _soon() -> float:
    """The end of this minute, so that what is asked for twice in it is the same."""
    return math.ceil(time.time() / 60 + 1e-9) * 60.0


def _number(at: float) -> str:
    return f"{at:.3f}".rstrip("0").rstrip(".")
