"""`torre untrust`: a workspace's policy may only restrict again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "take back all trust in a workspace's policy"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    add_json(parser)


def run(options: Namespace) -> Output:
    """How many trusted contents were forgotten; none is no error."""
    from llm.commands.base import Output, root_at
    from llm.providers.trust import untrust

    root = root_at(options.path)
    gone = untrust(root)
    text = f"{root}: trust was taken back ({gone})" if gone else f"{root}: nothing here was trusted"
    return Output(text, {"path": str(root), "forgotten": gone})
