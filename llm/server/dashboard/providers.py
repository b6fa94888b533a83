"""Page 3, `/providers`: how often a lane proves a fix, what that costs, how calls fail and who answers instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from llm.kept.board.providers import Errors, Fallback, LaneWins, Providers, providers
from llm.server.dashboard.charts.flow import Ribbon, flow
from llm.server.dashboard.charts.scatter import Spot, scatter
from llm.server.dashboard.charts.svg import Words
from llm.server.dashboard.view import words
from llm.server.dashboard.view.sheet import Sheet
from llm.server.dashboard.view.sight import Sight
from llm.server.pages import Pages

_NOBODY = "no answer"


def _ask(seen: Sight) -> Providers:
    return providers(seen.figures, seen.view.filter)


def _draw(seen: Sight, board: Providers) -> Mapping[str, Any]:
    chosen, view = seen.view.filter, seen.view
    return {
        "stages": sorted({row.stage for row in board.wins}),
        "matrix": _matrix(seen, board),
        "scatter_chart": _scatter(seen, board.lanes),
        "flow_chart": _flow(seen, board.fallbacks) if board.fallbacks else None,
        "unpriced": [row.lane for row in board.lanes if not _is_priced(row)],
        "lanes": [(row, view.href("/runs", row.within(chosen))) for row in board.lanes],
        "causes": [
            (cause, cause in {row.cause for row in board.errors if row.refused}) for cause in _causes(board)
        ],
        "errors": _errors(seen, board),
        "fallbacks": [(row, view.href("/runs", row.within(chosen))) for row in board.fallbacks],
    }


def _matrix(seen: Sight, board: Providers) -> list[dict[str, Any]]:
    """A line a lane, with its rate in all stages and in each: row and address."""
    cells = {(row.lane, row.stage): row for row in board.wins}

    def cell(row: LaneWins | None) -> tuple[LaneWins, str] | None:
        return (row, seen.view.href("/runs", row.within(seen.view.filter))) if row else None

    stages = sorted({row.stage for row in board.wins})
    return [
        {"lane": row.lane, "all": cell(row), "stages": [cell(cells.get((row.lane, stage))) for stage in stages]}
        for row in board.lanes
    ]


def _causes(board: Providers) -> list[str]:
    """Those of most calls first."""
    sums = Counter({row.cause: 0 for row in board.errors})
    for row in board.errors:
        sums[row.cause] += row.calls
    return [cause for cause, _ in sums.most_common()]


def _errors(seen: Sight, board: Providers) -> list[tuple[str, list[tuple[Errors, float, str] | None]]]:
    """A line a lane: for each cause the row, its share of the largest one, and its address."""
    most = max((row.calls for row in board.errors), default=1)
    cells = {
        (row.lane, row.cause): (row, row.calls / most, seen.view.href("/runs", row.within(seen.view.filter)))
        for row in board.errors
    }
    lanes = sorted({row.lane for row in board.errors})
    return [(lane, [cells.get((lane, cause)) for cause in _causes(board)]) for lane in lanes]


def _scatter(seen: Sight, lanes: Sequence[LaneWins]) -> Markup:
    spots = [_spot(seen, row, number) for number, row in enumerate(lanes) if _is_priced(row)]
    told = "To the right what a run costs, upwards the share of runs with a proven fix; lines are 95 % intervals."
    return scatter(Words("costs", "Cost a run against win rate", told), spots, words.dollars)


def _is_priced(row: LaneWins) -> bool:
    """Whether anything is known of what the lane cost. If not, it has no place on the axis, least of all at $0."""
    return bool(row.usd_micros or not row.unpriced)


def _spot(seen: Sight, row: LaneWins, number: int) -> Spot:
    likely = f"{words.share(row.low)} to {words.share(row.high)}"
    cost = words.money(row.usd_micros_per_run, row.unpriced)
    told = f"{row.lane}: {words.share(row.rate)} ({likely}) of {row.asked} runs, {cost} a run"
    href = seen.view.href("/runs", row.within(seen.view.filter))
    return Spot(row.lane, row.usd_micros_per_run, row.rate, row.low, row.high, told, href, number)


def _flow(seen: Sight, fallbacks: Sequence[Fallback]) -> Markup:
    ribbons = []
    for row in fallbacks:
        target = row.target or _NOBODY
        told = f"{row.runs} runs: {row.source} brought no answer, then {target}"
        href = seen.view.href("/runs", row.within(seen.view.filter))
        ribbons.append(Ribbon(row.source, target, row.runs, told, href))
    about = "From the lanes that brought no answer, at the left, to those that answered in their place."
    return flow(Words("fallbacks", "Fallback flow", about), ribbons)


_TABLES = {"wins": LaneWins, "lanes": LaneWins, "errors": Errors, "fallbacks": Fallback}
_SHEET = Sheet("/providers", "providers", "Providers", _ask, _draw, _TABLES)
PAGES = Pages(_SHEET.routes())
