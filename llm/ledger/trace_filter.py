"""Which runs are counted: as words, and as the SQL conditions that say the same of `run` and of `share`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from llm.domain import Stage

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


_SPAN: Final = "started >= :since AND started < :until"
IN_PARTS: Final = "started >= begins AND started < ends"
"""Instead of it, where rows of `part` are joined, which share out the filter's time among them (see `parted`)."""
STAGES: Final = ", ".join(f"'{stage}'" for stage in ("", *Stage))
"""As SQL has a list. Where the stages of a lane's shares are named, only the time that is asked for is looked
through, because that comes after the stage in their key."""


def of_runs(chosen: Filter, alive: Collection[int], span: str = _SPAN) -> Condition:
    """The condition on rows of `run`. `alive` are the numbers of the runs that are going on; `span` is the SQL for
    their time."""
    lane, _, instead = chosen.provider.partition(" ")
    values = {
        **_values(chosen, lane, instead),
        **{name: getattr(chosen, name) for name in ("min_ms", "max_ms", "attempts")},
    }
    parts = (span, *_common(chosen, alive, "id"), *_counted(chosen), *_by_lane(chosen))
    return Condition(" AND ".join(parts), values)


def of_shares(chosen: Filter, alive: Collection[int], span: str = _SPAN) -> Condition:
    """The condition on rows of `share`: the parts that lanes had in these runs, those of the provider alone where
    one is chosen."""
    parts = [span, *_common(chosen, alive, "run"), *_of_lane(chosen)]
    if counted := tuple(_counted(chosen)):
        parts.append(f"+run IN (SELECT id FROM run WHERE {' AND '.join((_SPAN, *counted))})")
    return Condition(" AND ".join(parts), of_runs(chosen, alive).values)


def parted(begins: Sequence[float]) -> Condition:
    """A `WITH` for parts of the filter's time, by their beginnings; the last one ends where the filter does."""
    sql = """WITH part AS MATERIALIZED (SELECT key AS number, value AS begins,
        lead(value, 1, :until) OVER (ORDER BY key) AS ends FROM json_each(:parts))"""
    return Condition(sql, {"parts": json.dumps(begins)})


def _values(chosen: Filter, lane: str, instead: str) -> dict[str, Any]:
    named = {name: getattr(chosen, name) for name in ("since", "until", "workspace", "stage", "outcome")}
    return {**named, "lane": lane, "instead": instead, "cause": f" {chosen.cause} "}


def _common(chosen: Filter, alive: Collection[int], key: str) -> Iterator[str]:
    if chosen.workspace:
        yield "workspace = :workspace"
    if chosen.stage:
        yield "stage = :stage"
    if chosen.outcome in (RUNNING, INTERRUPTED):
        within = "IN" if chosen.outcome == RUNNING else "NOT IN"
        yield f"outcome = '' AND {key} {within} ({numbers(alive)})"
    elif chosen.outcome:
        yield "change = :outcome" if chosen.outcome in CHANGES else "outcome = :outcome"


def _counted(chosen: Filter) -> Iterator[str]:
    """What only a run's own row tells. The pluses before `id` and `run` keep SQLite from looking up row by row by
    those numbers: it has to go over the narrow index."""
    if chosen.min_ms is not None:
        yield "duration_ms >= :min_ms"
    if chosen.max_ms is not None:
        yield "duration_ms < :max_ms"
    if chosen.attempts is not None:
        yield "calls = :attempts"


def _by_lane(chosen: Filter) -> Iterator[str]:
    """What only the shares of a run tell."""
    if chosen.provider or chosen.cause:
        stages = "true" if chosen.cause else "stage = :stage" if chosen.stage else f"stage IN ({STAGES})"
        part = " AND ".join((_SPAN, stages, *_of_lane(chosen)))
        yield f"+id IN (SELECT run FROM share WHERE {part})"


def _of_lane(chosen: Filter) -> Iterator[str]:
    """A lane that was only to be asked has part in a run by the cause for which it was not."""
    lane, _, instead = chosen.provider.partition(" ")
    if lane:
        yield "lane = :lane"
    if instead:
        yield "instead = :instead"
    if chosen.cause:
        yield "causes != '' AND instr(causes, :cause)"
    if lane and not (instead or chosen.cause):
        yield "(sent OR won)"


def numbers(runs: Collection[int]) -> str:
    """Numbers of runs as SQL has a list."""
    return ", ".join(map(str, runs))
