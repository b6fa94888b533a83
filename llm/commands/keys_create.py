"""`torre keys create`: a key for the server. It is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "make a key for `torre serve`, and show it this once"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("name", help="whose key it is, or what for")
    parser.add_argument(
        "--scope",
        action="append",
        choices=["read", "run", "apply"],
        help="what it may do (repeatable; default read); none includes another",
    )
    parser.add_argument("--days", type=float, metavar="N", help="it holds so long (default: until revoked)")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. InputError: the keys cannot be kept."""
    import os

    from llm.commands.base import Output
    from llm.errors import InputError
    from llm.server.keys import Keys, Scope

    if not options.name.strip():
        raise InputError("name", "expected a name, got nothing")
    if options.days is not None and not 0 < options.days < 36500:
        raise InputError("--days", "expected a number of days above 0")
    scopes = [Scope(word) for word in options.scope or ["read"]]
    key, shown = Keys(os.environ).create(options.name, scopes, options.days)
    words = f"{shown}\nkey {key.id} of {key.name}: may {', '.join(sorted(key.scopes))}; it is not shown again"
    return Output(words, {"id": key.id, "name": key.name, "scopes": sorted(key.scopes), "key": shown})
