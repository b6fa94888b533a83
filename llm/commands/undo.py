"""`torre undo`: the files as they were before the last apply; again: before the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "take back the last apply, byte for byte; several times: the ones before it. A commit of it stays"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. ApplyError: there is nothing to take back, a file was changed since, or it is locked."""
    import os
    from dataclasses import asdict

    from llm.apply.undo import undo
    from llm.commands.base import Output, root_at
    from llm.providers.policy import ProvidersPolicy

    root = root_at(options.path)
    undone = undo(root, os.environ, ProvidersPolicy(root).policy.rules)
    more = f"; {undone.more} more can be taken back" if undone.more else ""
    lines = [f"took back run {undone.trace_id}{more}:", *(f"  {path}" for path in undone.files)]
    if undone.commit:
        lines.append(
            f"commit {undone.commit[:12]} stays: the files now differ from it; commit them to record that"
        )
    return Output("\n".join(lines), {"undone": asdict(undone)})
