"""`torre apply`: write a proven patch that was kept, all of it and green, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_apply_terms, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

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
    from llm.kept.plans import kept_plan
    from llm.report.applied import applied_as_json, applied_as_text

    root = root_at(options.path)
    plan = kept_plan(root, os.environ, options.trace)
    applied = apply_plan(plan, os.environ, terms_for(root, os.environ, options.commit, options.accept_reduced))
    data = {"trace_id": plan.trace_id, "applied": applied_as_json(applied)}
    return Output(applied_as_text(applied), data, applied.exit_code)
