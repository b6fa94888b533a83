"""`torre apply`: write a proven patch that was kept, all of it and green, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_apply_terms, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping
    from pathlib import Path

    from llm.apply.plan import Plan
    from llm.commands.base import Output

HELP = "apply the patch of a run that proved one; rolled back unless the checks are green on your files too"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("trace", help="a run: the beginning of its id, or `last`; `torre trace` lists them")
    parser.add_argument("--path", default=".", metavar="DIR", help="the project (default: this directory)")
    add_apply_terms(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0: applied and green; 6: rolled back. InputError: the run proved nothing, or is not kept whole;
    ApplyError: the workspace is locked, or not what it was; SandboxError."""
    import os

    from llm.apply.transaction import apply_plan, terms_for
    from llm.commands.base import Output, root_at
    from llm.report.applied import applied_as_json, applied_as_text

    root = root_at(options.path)
    plan = _kept_plan(root, os.environ, options.trace)
    applied = apply_plan(plan, os.environ, terms_for(root, os.environ, options.commit, options.accept_reduced))
    data = {"trace_id": plan.trace_id, "applied": applied_as_json(applied)}
    return Output(applied_as_text(applied), data, applied.exit_code)


def _kept_plan(root: Path, env: Mapping[str, str], wanted: str) -> Plan:
    from pathlib import Path

    from llm.apply.plan import plan_of_stored
    from llm.commands.base import kept_traces, story_of
    from llm.errors import InputError
    from llm.workspace.snapshot import root_of

    with kept_traces(root, env) as store:
        plan = plan_of_stored(story_of(store, root, wanted))
    if root_of(Path(plan.workspace)) != root:  # several projects may share their traces by TORRE_LEDGER
        raise InputError("trace", f"run {plan.trace_id} is about {plan.workspace}: name that by --path")
    return plan
