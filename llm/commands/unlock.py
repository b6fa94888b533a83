"""`torre unlock`: let applies in again after one that was rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from llm.apply.undo import Unlocked
    from llm.commands.base import Output

HELP = "take away the lock that a rolled back apply left, and say why it was there"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0, also where nothing was locked; 1 where an unfinished apply had to be given up. ApplyError while
    another process is applying."""
    import os
    from dataclasses import asdict

    from llm.apply.undo import unlock
    from llm.commands.base import Output, root_at
    from llm.providers.policy import ProvidersPolicy

    root = root_at(options.path)
    unlocked = unlock(root, os.environ, ProvidersPolicy(root).policy.rules)
    return Output("\n".join(_lines(unlocked)), {"unlocked": asdict(unlocked)}, 1 if unlocked.abandoned else 0)


def _lines(unlocked: Unlocked) -> Iterator[str]:
    yield f"unlocked; it was locked because: {unlocked.reason}" if unlocked.reason else "nothing was locked"
    for undone in unlocked.undone:
        yield f"an unfinished apply of run {undone.trace_id} was taken back: {', '.join(undone.files)}"
    yield from (f"given up: {why}" for why in unlocked.abandoned)
