"""`torre rerank`: which of these candidates the workspace's own checks prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "execute given candidates against the checks, and say which one is proven (JSON on stdin)"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("--deadline", type=float, metavar="S", help="time for everything (default: none)")
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0: one is proven; 1: none is. InputError names the field of the request; PolicyError,
    SandboxError."""
    import os
    import sys
    from pathlib import Path

    from llm.commands.base import Output, root_at
    from llm.providers.policy import ProvidersPolicy
    from llm.request import MAX_BYTES
    from llm.rerank.execution_reranker import ExecutionReranker
    from llm.rerank.request import read_rerank

    request = read_rerank(sys.stdin.buffer.read(MAX_BYTES + 1))
    rules = ProvidersPolicy(root_at(request.workspace), os.environ).policy.rules
    reranker = ExecutionReranker(request.checks, rules, options.deadline)
    found = reranker.run(Path(request.workspace), request.proposals, request.k)
    return Output(_text(found), found, 0 if found["winner"] else 1)


def _text(found: dict[str, Any]) -> str:
    lines = [f"{n}: {found['discard_reasons'].get(n, 'passed')}" for n in found["ranking"]]
    chosen = found["selected_index"]
    verdict = "none is proven" if chosen is None else f"candidate {chosen} is proven"
    return "\n".join([*lines, f"{verdict}: {found['why']}", *found["doubts"]])
