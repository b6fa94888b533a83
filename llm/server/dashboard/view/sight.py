"""What one page looks at: the traces of the project that its filter names, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llm.kept.board.filters import Choices, choices
from llm.ledger.home import has_traces
from llm.ledger.trace_figures import TraceFigures
from llm.providers.policy import ProvidersPolicy
from llm.server.dashboard.view import words
from llm.server.dashboard.view.query import CUSTOM, TIMES, View
from llm.server.jobs.rows import Job
from llm.server.service import Service

_JOBS = 200
"""So many of the last jobs are looked through for projects."""
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Offered:
    """The select boxes of the filter: value and text of each option."""

    times: Options
    workspaces: Options
    stages: Options
    providers: Options
    outcomes: Options


@dataclass(frozen=True, slots=True)
class Sight:
    """One page's. `timezone` is the policy's at `root`."""

    service: Service
    view: View
    root: Path
    timezone: str
    figures: TraceFigures
    offered: Offered


@contextmanager
def sight(service: Service, view: View, root: Path | None = None) -> Iterator[Sight]:
    """Open the traces: those of `root`, else of the filter's workspace, else of the server's own project.

    Problem 403, WorkspaceError: no such workspace. PolicyError, LedgerError."""
    recent = service.among(service.table.jobs(_JOBS))
    root = root or _root(service, view, recent)
    timezone = ProvidersPolicy(root, service.env).policy.timezone
    with service.figures(root) as figures:
        yield Sight(service, view, root, timezone, figures, _offered(choices(figures), recent, view, str(root)))


def traces_of(service: Service, view: View) -> Path:
    """Whose traces a view is of, as `sight` finds it. Errors as there."""
    return _root(service, view, service.among(service.table.jobs(_JOBS)))


def _root(service: Service, view: View, recent: tuple[Job, ...]) -> Path:
    """Several projects may share their traces by TORRE_LEDGER: what is kept at home is looked at there."""
    home, named = service.settings.home, view.filter.workspace
    if named:
        with service.figures(home) as figures:
            known = named in choices(figures).workspaces
        return home if known else service.root(named)
    if has_traces(home, service.env):
        return home
    elsewhere = (Path(job.root) for job in recent)
    return next((root for root in elsewhere if has_traces(root, service.env)), home)


def _offered(found: Choices, recent: tuple[Job, ...], view: View, project: str) -> Offered:
    chosen = view.filter
    places = sorted({*found.workspaces, *(job.workspace for job in recent), chosen.workspace} - {""})
    lanes = [*found.providers] + ([chosen.provider] if chosen.provider not in ("", *found.providers) else [])
    custom = [(CUSTOM, "Chosen on a chart")] if view.time == CUSTOM else []
    return Offered(
        times=[*custom, *((name, text) for name, (text, _) in TIMES.items())],
        workspaces=[(place, words.place(place, project)) for place in places],
        stages=[(stage, stage) for stage in sorted({*found.stages, chosen.stage} - {""})],
        providers=[(lane, lane.replace(" ", " → ")) for lane in lanes],
        outcomes=[(outcome, words.outcome(outcome)) for outcome in found.outcomes],
    )
