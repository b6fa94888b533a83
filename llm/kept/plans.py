"""The patch of a run that was kept, as it may be applied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llm.apply.plan import Plan, plan_of_stored
from llm.errors import InputError
from llm.kept.stores import kept_traces, story_of
from llm.workspace.snapshot import root_of


def kept_plan(root: Path, env: Mapping[str, str], wanted: str) -> Plan:
    """The plan of the run whose id begins so, or of the `last` one. InputError: there is none, it proved nothing,
    is not kept whole, or is about another project."""
    with kept_traces(root, env) as store:
        plan = plan_of_stored(story_of(store, root, wanted))
    if root_of(Path(plan.workspace)) != root:  # several projects may share their traces by TORRE_LEDGER
        raise InputError("trace", f"run {plan.trace_id} is about {plan.workspace}: name that by --path")
    return plan
