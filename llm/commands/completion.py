"""`torre completion SHELL`: a script that completes commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "print a shell completion script"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell to complete for")


def run(options: Namespace) -> Output:
    """Exit code 0."""
    import shtab

    from llm.commands.base import Output

    return Output(shtab.complete(options.whole_parser(), options.shell))
