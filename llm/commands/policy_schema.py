"""`torre policy schema`: the JSON Schema of the policy file, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "print the JSON Schema of .torre/providers.yaml, so that editors complete and check it"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    parser.add_argument("--write", metavar="FILE", help="write it to a file instead")


def run(options: Namespace) -> Output:
    """The schema, or where it was written."""
    import json
    from pathlib import Path

    from llm.commands.base import Output
    from llm.errors import InputError
    from llm.providers.policy_schema import json_schema, write_json_schema

    if not options.write:
        return Output(json.dumps(json_schema(), indent=2))
    path = Path(options.write)
    try:
        write_json_schema(path)
    except OSError as error:
        raise InputError("--write", f"{path} cannot be written: {error.strerror}") from error
    return Output(f"{path} is written; in a policy file: # yaml-language-server: $schema={path}")
