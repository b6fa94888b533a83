"""`torre keys list`: every key that was made for the server, and whether it holds. No secret is kept to be
shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "list the keys of `torre serve`: name, scopes, whether they hold"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0. InputError: the keys cannot be read."""
    import os
    import time

    from llm.commands.base import Output
    from llm.report.table import table
    from llm.server.keys import Keys

    now = time.time()
    keys = Keys(os.environ).all()
    if not keys:
        return Output("there is no key; `torre keys create NAME` makes one", {"keys": []})
    rows = [
        (key.id, key.name, " ".join(sorted(key.scopes)), _day(key.created), _state(key.revoked, key.expires, now))
        for key in keys
    ]
    names = ("id", "name", "created", "expires", "revoked")
    data = [{**{n: getattr(k, n) for n in names}, "scopes": sorted(k.scopes), "holds": k.holds(now)} for k in keys]
    return Output(table(("id", "name", "scopes", "created", "state"), rows), {"keys": data})


def _state(revoked: float | None, expires: float | None, now: float) -> str:
    if revoked is not None:
        return f"revoked {_day(revoked)}"
    if expires is None:
        return "holds"
    return f"{'expired' if expires <= now else 'holds until'} {_day(expires)}"


def _day(at: float) -> str:
    import time

    return time.strftime("%Y-%m-%d", time.gmtime(at))
