"""`torre schema`: the JSON Schema of what `torre fix -` takes or gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "print the JSON Schema of the input or the output"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("which", choices=["input", "output"], help="which side of `torre fix -`")


def run(options: Namespace) -> Output:
    """Exit code 0."""
    from pathlib import Path

    from llm import report
    from llm.commands.base import Output

    published = Path(report.__path__[0], f"{options.which}.schema.json")
    return Output(published.read_text("utf-8").rstrip("\n"))
