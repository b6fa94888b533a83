"""`torre setup TOOL`: install an optional tool into Torre's own directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "install an optional tool into Torre's own directory"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument(
        "tool", choices=["typescript"], help="typescript: the language service for code fixes (npm)"
    )


def run(options: Namespace) -> Output:
    """TorreError in npm's words where it cannot be installed."""
    from llm.commands.base import Output
    from llm.setup_tools import install_typescript

    installers = {"typescript": install_typescript}
    return Output(f"{options.tool} is in {installers[options.tool]()}")
