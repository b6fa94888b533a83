"""`torre trace`: the runs that are kept; with an id, the whole story of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    from llm.commands.base import Output
    from llm.ledger.trace_rows import StoredRun
    from llm.ledger.traces import TraceStore

HELP = "list the runs, or tell the whole story of one"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("id", nargs="?", default="", help="a run: the beginning of its id, or `last`")
    parser.add_argument("--path", default=".", metavar="DIR", help="the project (default: this directory)")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="list so many (default 20)")
    parser.add_argument("--before", type=float, metavar="T", help="list those that started before (epoch seconds)")
    parser.add_argument("--diff", type=int, metavar="N", help="with an id: only the diff of candidate N")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. InputError for an id that is not there or is the beginning of several; LedgerError."""
    import os

    from llm.commands.base import Output, kept_traces, root_at, story_of

    root = root_at(options.path)
    with kept_traces(root, os.environ) as store:
        if options.id:
            return _one(story_of(store, root, options.id), options, root)
        return _list(store, options) if store else Output("no run was kept here yet", {"runs": []})


def _list(store: TraceStore, options: Namespace) -> Output:
    from dataclasses import asdict

    from llm.commands.base import Output
    from llm.ledger.traces import KEEP_RUNS
    from llm.report.trace_text import runs_as_text

    runs = store.runs(min(max(1, options.limit), KEEP_RUNS), options.before)
    data: dict[str, Any] = {"runs": [asdict(run) for run in runs]}
    return Output(runs_as_text(runs), data)


def _one(story: StoredRun, options: Namespace, root: Path) -> Output:
    import os
    from dataclasses import asdict

    from llm.apply.history import applications
    from llm.commands.base import Output
    from llm.errors import InputError
    from llm.report.trace_text import story_as_text

    if options.diff is not None:
        found = [row.diff for row in story.candidates if row.number == options.diff]
        if not found:
            raise InputError("--diff", f"run {story.run.trace_id} kept no candidate {options.diff}")
        return Output(found[0].rstrip("\n"))
    applied = applications(root, os.environ, story.run.trace_id)
    return Output(story_as_text(story, applied), {**asdict(story), "applied": [asdict(each) for each in applied]})
