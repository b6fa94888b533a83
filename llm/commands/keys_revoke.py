"""`torre keys revoke`: from now on the key opens nothing, on a server that runs too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "take a key of `torre serve` back, at once"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("id", help="the key's id; `torre keys list` shows it")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. InputError: there is no such key."""
    import os

    from llm.commands.base import Output
    from llm.server.keys import Keys

    key = Keys(os.environ).revoke(options.id)
    return Output(f"key {key.id} of {key.name} opens nothing any more", {"id": key.id, "revoked": key.revoked})
