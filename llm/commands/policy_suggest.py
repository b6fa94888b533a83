"""`torre policy suggest`: routes from what was measured here. It prints them and applies nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Mapping

    from llm.commands.base import Output
    from llm.ledger.trace_rows import WinRate
    from llm.providers.policy import Policy

HELP = "suggest routes by measured win rate, cost and latency; applies nothing"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    parser.add_argument(
        "--least", type=int, default=5, metavar="N", help="runs that a lane needs before it is ranked (default 5)"
    )
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0, also where there is too little to go by. PolicyError, LedgerError."""
    import os

    from llm.commands.base import Output, kept_traces, root_at
    from llm.providers.policy import ProvidersPolicy

    root = root_at(options.path)
    policy = ProvidersPolicy(root).policy
    with kept_traces(root, os.environ) as store:
        rates = store.win_rates() if store else ()
    lanes = [Measured.of(rate) for rate in rates]
    routes = suggest(lanes, policy, max(1, options.least))
    data = {"measured": [lane.as_json() for lane in lanes], "routes": routes, "least": options.least}
    return Output("\n".join(_lines(lanes, routes, options.least)), data)


class Measured(NamedTuple):
    """One lane in one stage: its share of proven runs with the 95 % interval, cost and time."""

    rate: WinRate
    low: float
    high: float

    @classmethod
    def of(cls, rate: WinRate) -> Measured:
        """With its interval."""
        from llm.ledger.win_rates import interval

        return cls(rate, *interval(rate.proved, rate.asked))

    @property
    def usd_micros_a_run(self) -> int | None:
        """None where the price of any of its attempts is unknown."""
        return None if self.rate.unpriced else round(self.rate.usd_micros / self.rate.asked)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        rate = self.rate
        return {
            "stage": rate.stage,
            "provider": rate.lane,
            "n": rate.asked,
            "proved": rate.proved,
            "won": rate.won,
            "rate": round(rate.proved / rate.asked, 4),
            "interval": [round(self.low, 4), round(self.high, 4)],
            "usd_micros_a_run": self.usd_micros_a_run,
            "median_ms": rate.median_ms,
        }


def suggest(lanes: Iterable[Measured], policy: Policy, least: int) -> dict[str, dict[str, Any]]:
    """Stage → the route, whether the first lane is clearly ahead, and what of it was not measured enough.

    Only allowed lanes. The one with the highest lower bound leads; those whose interval reaches it cannot be told
    apart by their win rate and stand in the order of cost, then time. The present route's other lanes follow.
    """
    from llm.providers.route import DEFAULT_ROUTES

    routes: dict[str, dict[str, Any]] = {}
    enough = [m for m in lanes if m.rate.asked >= least and m.rate.lane in policy.allowed]
    present: Mapping[Any, tuple[str, ...]] = {**DEFAULT_ROUTES, **policy.routes}
    for stage in dict.fromkeys(m.rate.stage for m in enough):
        ranked = _ranked([m for m in enough if m.rate.stage == stage])
        names = [m.rate.lane for m in ranked]
        others = [lane for lane in present.get(stage, ()) if lane not in names and lane in policy.allowed]
        clear = len(ranked) > 1 and all(ranked[0].low > other.high for other in ranked[1:])
        routes[stage] = {
            "lanes": [*names, *others],
            "clear": clear,
            "not_measured": others,
            "changed": [*names, *others] != list(present.get(stage, ())),
        }
    return routes


def _ranked(lanes: list[Measured]) -> list[Measured]:
    best = max(m.low for m in lanes)

    def place(measured: Measured) -> tuple[object, ...]:
        cost = measured.usd_micros_a_run
        if measured.high >= best:
            return (0, cost is None, cost or 0, measured.rate.median_ms)
        return (1, -measured.low, 0, 0)

    return sorted(lanes, key=place)


def _lines(lanes: list[Measured], routes: Mapping[str, Mapping[str, Any]], least: int) -> Iterator[str]:
    if not lanes:
        yield "nothing was measured yet: no run that asked a lane has ended here"
        return
    yield _measured_table(lanes)
    yield ""
    if not routes:
        yield f"no allowed lane has {least} runs in a stage yet: no route is suggested"
        return
    yield "suggested, nothing is changed; to use it, put it into .torre/providers.yaml:"
    yield "routes:"
    for stage, route in routes.items():
        yield f"  {stage}: [{', '.join(route['lanes'])}]  # {_remark(route)}"


def _measured_table(lanes: list[Measured]) -> str:
    from llm.report.table import table, usd

    rows = [
        (
            *(m.rate.stage, m.rate.lane, m.rate.asked, m.rate.proved),
            f"{m.rate.proved / m.rate.asked:.0%} ({m.low:.0%} to {m.high:.0%})",
            *(usd(m.usd_micros_a_run), f"{m.rate.median_ms / 1000:.1f} s", m.rate.won),
        )
        for m in lanes
    ]
    return table(("stage", "lane", "n", "proved", "rate (95 %)", "cost a run", "median", "won"), rows)


def _remark(route: Mapping[str, Any]) -> str:
    measured = len(route["lanes"]) - len(route["not_measured"])
    if measured == 1:
        words = "only one lane was measured"
    elif route["clear"]:
        words = "the first is clearly ahead"
    else:
        words = "intervals overlap: ordered by cost, then time"
    if route["not_measured"]:
        words += f"; not measured enough: {', '.join(route['not_measured'])}"
    return words if route["changed"] else f"as it is now; {words}"
