"""Which runs are counted: as words, and as the SQL conditions that say the same of `run` and of `share`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

GREEN, NO_WINNER, ADVISORY, REFUSED, FAILED = "green", "no_winner", "advisory", "refused", "failed"
NOTHING_RED, INTERRUPTED, RUNNING = "nothing_red", "interrupted", "running"
APPLIED, ROLLED_BACK, UNDONE = "applied", "rolled_back", "undone"

ENDS: Final = (GREEN, NO_WINNER, ADVISORY, REFUSED, FAILED, NOTHING_RED, INTERRUPTED, RUNNING)
"""How a run stands; each has one of them. `no_winner`: no candidate passed; `advisory`: there is a diff that is
not proven; `refused`: by a cap, so that no lane answered; `failed`: the lanes were asked, and all failed;
`running` and `interrupted` have no end."""
CHANGES: Final = (APPLIED, ROLLED_BACK, UNDONE)
"""What became of a run's patch on the user's files last."""
OUTCOMES: Final = (*ENDS, *CHANGES)
NO_LANE: Final = "-"
"""In the place of the second lane of a `provider`: none answered."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Runs that started at `since` or later and before `until` (epoch seconds); "" is all.

    `workspace` is a path as the runs have it. `provider`: a lane that was asked in the run or won it; two lanes
    with a space between: the second one answered where the first did not (`-`: none did). `outcome` is one of
    `OUTCOMES`. The rest is what charts link by: `min_ms <= duration < max_ms`, a number of `attempts` that were
    sent, and the `cause` for which an attempt (of the `provider`, where one is named) was refused or failed.
    """

    since: float
    until: float
    workspace: str = ""
    stage: str = ""
    provider: str = ""
    outcome: str = ""
    min_ms: int | None = None
    max_ms: int | None = None
    attempts: int | None = None
    cause: str = ""


class Condition(NamedTuple):
    """SQL and the values of its named parameters."""

    sql: str
    values: dict[str, Any]


def of_runs(chosen: Filter, alive: Collection[int]) -> Condition:
    """The condition on rows of `run`. `alive` are the numbers of the runs that are going on."""
    lane, _, instead = chosen.provider.partition(" ")
    values = {
        **_values(chosen, lane, instead),
        **{name: getattr(chosen, name) for name in ("min_ms", "max_ms", "attempts")},
    }
    return Condition(" AND ".join((*_common(chosen, alive, "id"), *_of_run_alone(chosen))), values)


def of_shares(chosen: Filter, alive: Collection[int]) -> Condition:
    """The condition on rows of `share`: the parts that lanes had in these runs, those of the provider alone where
    one is chosen."""
    parts = [*_common(chosen, alive, "run"), *_of_lane(chosen)]
    if any(each is not None for each in (chosen.min_ms, chosen.max_ms, chosen.attempts)):
        parts.append(f"run IN (SELECT id FROM run WHERE {of_runs(chosen, alive).sql})")
    return Condition(" AND ".join(parts), of_runs(chosen, alive).values)


def _values(chosen: Filter, lane: str, instead: str) -> dict[str, Any]:
    named = {name: getattr(chosen, name) for name in ("since", "until", "workspace", "stage", "outcome")}
    return {**named, "lane": lane, "instead": instead, "cause": f" {chosen.cause} "}


def _common(chosen: Filter, alive: Collection[int], key: str) -> Iterator[str]:
    yield "started >= :since AND started < :until"
    if chosen.workspace:
        yield "workspace = :workspace"
    if chosen.stage:
        yield "stage = :stage"
    if chosen.outcome in (RUNNING, INTERRUPTED):
        within = "IN" if chosen.outcome == RUNNING else "NOT IN"
        yield f"outcome = '' AND {key} {within} ({numbers(alive)})"
    elif chosen.outcome:
        yield "change = :outcome" if chosen.outcome in CHANGES else "outcome = :outcome"


def _of_run_alone(chosen: Filter) -> Iterator[str]:
    """The plus keeps SQLite from looking up whole rows by those numbers: it has to go over the narrow index."""
    if chosen.min_ms is not None:
        yield "duration_ms >= :min_ms"
    if chosen.max_ms is not None:
        yield "duration_ms < :max_ms"
    if chosen.attempts is not None:
        yield "calls = :attempts"
    if chosen.provider or chosen.cause:
        part = " AND ".join(("started >= :since AND started < :until", *_of_lane(chosen)))
        yield f"+id IN (SELECT run FROM share WHERE {part})"


def _of_lane(chosen: Filter) -> Iterator[str]:
    """A lane that was only to be asked has part in a run by the cause for which it was not."""
    lane, _, instead = chosen.provider.partition(" ")
    if lane:
        yield "lane = :lane"
    if instead:
        yield "instead = :instead"
    if chosen.cause:
        yield "instr(causes, :cause)"
    if lane and not (instead or chosen.cause):
        yield "(sent OR won)"


def numbers(runs: Collection[int]) -> str:
    """Numbers of runs as SQL has a list."""
    return ", ".join(map(str, runs))
