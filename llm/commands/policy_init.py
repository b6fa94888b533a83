"""`torre policy init`: write the policy file with the default quotas and every other key as a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "write .torre/providers.yaml with comments; one that is there stays as it is"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)


def run(options: Namespace) -> Output:
    """PolicyError where a policy is there already."""
    from llm.commands.base import Output, root_at
    from llm.errors import PolicyError
    from llm.ledger.home import own_directory
    from llm.providers.policy import policy_template
    from llm.providers.trust import POLICY

    root = root_at(options.path)
    own_directory(root)
    path = root / POLICY
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(policy_template())
    except FileExistsError as error:
        raise PolicyError(str(path), "is there already and was left as it is") from error
    return Output(f"{path} is written; edit it, then `torre policy check`")
