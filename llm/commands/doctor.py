"""`torre doctor`: what works on this machine, and the remedy for what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm.commands._arguments import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "say what works on this machine, and the remedy for what does not"


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_json(parser)


def run(options: Namespace) -> Output:
    """Exit code 0 where Torre can work, 5 without a sandbox, 1 for another problem."""
    from llm.commands.base import Output
    from llm.doctor import examine

    findings = examine()
    text = "\n".join(finding.as_line() for finding in findings)
    data = {"findings": [finding.as_json() for finding in findings]}
    return Output(text, data, max((finding.exit_code for finding in findings), default=0))
