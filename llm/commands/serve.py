"""`torre serve`: the same over HTTP, for a team."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping
    from pathlib import Path

    from llm.commands.base import Output
    from llm.server.settings import Settings

HELP = "serve the same over HTTP: runs, reranking, apply, traces, metrics"

_LARGEST = 1e6


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add = parser.add_argument
    add("--root", action="append", default=[], metavar="DIR", help="workspaces lie under it (default: here)")
    add("--host", default="127.0.0.1", metavar="ADDRESS", help="other than this machine's own: needs `torre keys`")
    add("--port", type=int, default=8321, metavar="N", help="default 8321; 0: any that is free")
    add("--allow-host", action="append", default=[], metavar="NAME", help="a name that the server is called by")
    add("--workers", type=int, default=0, metavar="N", help="runs at once (default: half the cores, at least 1)")
    add("--queue", type=int, default=32, metavar="N", help="runs of one key that may wait (default 32)")
    add("--rate", type=float, default=50.0, metavar="N", help="requests a second of one key (default 50)")
    add("--max-body", type=float, default=8.0, metavar="MIB", help="the largest request (default 8)")
    add("--max-run", type=float, default=900.0, metavar="S", help="what one run may take (default 900)")
    add("--grace", type=float, default=20.0, metavar="S", help="what a run gets to end when told to stop")
    add(
        "--demo",
        action="store_true",
        help="serve a made-up project with some weeks of runs, and remove it at the end",
    )


def run(options: Namespace) -> Output:
    """Exit code 0 once it was told to stop. InputError, LedgerError: it cannot begin."""
    import os

    from llm.commands.base import Output
    from llm.server.installed import refuse_missing

    refuse_missing("serve")
    _refuse_odd(options)
    from llm.server.serve import serve

    if not options.demo:
        serve(_settings(options, tuple(_root(path) for path in options.root or ["."]), os.environ))
        return Output("stopped")
    from llm.server.demo.home import demo

    with demo(os.environ) as made:
        serve(_settings(options, (made.root,), made.env))
    return Output("stopped, and the demo data is removed")


def _settings(options: Namespace, roots: tuple[Path, ...], env: Mapping[str, str]) -> Settings:
    import os

    from llm.server.settings import MIB, Settings

    return Settings(
        roots=roots,
        env=env,
        host="127.0.0.1" if options.host == "localhost" else options.host,
        port=options.port,
        hosts=tuple(name.lower() for name in options.allow_host),
        workers=options.workers or max(1, (os.cpu_count() or 1) // 2),
        queue=options.queue,
        rate_per_s=options.rate,
        burst=max(1, round(options.rate * 4)),
        max_body_bytes=round(options.max_body * MIB),
        run_s=options.max_run,
        grace_s=options.grace,
        demo=options.demo,
    )


def _refuse_odd(options: Namespace) -> None:
    from llm.errors import InputError

    if options.demo and options.root:
        raise InputError("--demo", "it has a project of its own: leave --root out")
    for name in ("queue", "rate", "max_body", "max_run"):
        if not 0 < getattr(options, name) < _LARGEST:
            raise InputError(f"--{name.replace('_', '-')}", "expected a number above 0")
    for name in ("workers", "grace"):
        if not 0 <= getattr(options, name) < _LARGEST:
            raise InputError(f"--{name}", "expected a number, 0 or more")


def _root(path: str) -> Path:
    from pathlib import Path

    from llm.workspace.snapshot import open_workspace

    return open_workspace(Path(path))
