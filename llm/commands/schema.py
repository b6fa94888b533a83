"""`torre schema`: the JSON Schema of what `torre fix -` takes or gives, and the API of `torre serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "print the JSON Schema of the input or the output, or the OpenAPI document of the server"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument(
        "which", choices=["input", "output", "openapi"], help="which side of `torre fix -`, or the API"
    )


def run(options: Namespace) -> Output:
    """Exit code 0."""
    from pathlib import Path

    from llm import report
    from llm.commands.base import Output

    if options.which == "openapi":
        return Output(_openapi())
    published = Path(report.__path__[0], f"{options.which}.schema.json")
    return Output(published.read_text("utf-8").rstrip("\n"))


def _openapi() -> str:
    import json

    from llm.server.installed import refuse_missing

    refuse_missing("openapi")
    from llm.server.app import operations
    from llm.server.openapi import document

    return json.dumps(document(operations()), indent=2, ensure_ascii=False)
