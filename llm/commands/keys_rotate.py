"""`torre keys rotate`: a new key in place of an old one, which may hold for a while yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "replace a key of `torre serve` by a new one of the same name and scopes"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("id", help="the key's id; `torre keys list` shows it")
    parser.add_argument(
        "--grace", type=float, default=0.0, metavar="S", help="the old one holds so long (default: no longer)"
    )
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. InputError: there is no such key that holds."""
    import os

    from llm.commands.base import Output
    from llm.server.keys import Keys

    key, shown = Keys(os.environ).rotate(options.id, max(0.0, options.grace))
    words = f"{shown}\nkey {key.id} of {key.name} takes the place of {options.id}; it is not shown again"
    return Output(words, {"id": key.id, "replaces": options.id, "key": shown})
