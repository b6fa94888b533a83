"""`torre mcp`: the Model Context Protocol, for agents and editors, on stdio or on loopback HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "serve agents by the Model Context Protocol, on stdin and stdout or on a loopback port"
_PORT = 8322


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add = parser.add_argument
    add(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="workspaces lie under it (repeatable; default: .)",
    )
    add("--http", action="store_true", help="streamable HTTP at /mcp, in place of stdin and stdout")
    add("--host", default="127.0.0.1", metavar="ADDRESS", help="a loopback address (default 127.0.0.1)")
    add("--port", type=int, default=_PORT, metavar="N", help=f"with --http (default {_PORT}; 0: any)")
    add("--origin", action="append", default=[], metavar="URL", help="web pages that may call (default: none)")


def run(options: Namespace) -> Output:
    """Serves until its end. Exit code 0. InputError: not a loopback address, no such root, no SDK."""
    import asyncio
    import os
    from functools import partial
    from pathlib import Path

    from llm.commands.base import Output
    from llm.errors import InputError
    from llm.providers.credentials import is_loopback
    from llm.workspace.snapshot import open_workspace

    if not is_loopback(options.host):
        raise InputError(
            "--host", f"{options.host} is not a loopback address: whoever reaches this port may apply"
        )
    roots = [open_workspace(Path(root)) for root in options.root or ["."]]
    try:
        from llm.mcp_server.calls import Calls
        from llm.mcp_server.server import make_server, serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if str(error.name).startswith("llm"):
            raise
        raise InputError("mcp", f"{error.name} is not installed: install torre-llm[server]") from error
    http = partial(serve_http, host=options.host, port=options.port, origins=options.origin)

    async def serve() -> None:
        await (http if options.http else serve_stdio)(make_server(Calls(roots, os.environ)))

    asyncio.run(serve())
    return Output("")
