"""Which runs a page is about, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_filter import OUTCOMES, Filter

__all__ = ["OUTCOMES", "Choices", "Filter", "choices"]


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that the select boxes offer: those that occur in what is kept, and every outcome there is."""

    workspaces: tuple[str, ...]
    stages: tuple[str, ...]
    providers: tuple[str, ...]
    outcomes: tuple[str, ...]


def choices(figures: TraceFigures) -> Choices:
    """What occurs in all that is kept, in order. LedgerError."""
    places = figures.places()
    workspaces = sorted({workspace for workspace, _ in places} - {""})
    stages = sorted({stage for _, stage in places} - {""})
    return Choices(tuple(workspaces), tuple(stages), figures.lanes, OUTCOMES)
