"""The commands beside `fix`, one a file: `policy_check.py` is `torre policy check`. None of them prints.

A command has `HELP` (one line), `configure(parser)` for its arguments, and `run(options)`, which gives an
`Output`. Its parser is made at every start of `torre`, so that anything heavy is imported in `run`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from llm import plugins

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

_GROUPS = {
    "keys": "make, list, replace and take back the keys of `torre serve`",
    "policy": "check, explain and write the policy; suggest routes from what was measured",
}


def add_commands(commands: _SubParsersAction[ArgumentParser], first: str = "") -> None:
    """Add a parser for each command; `options.run` is then its `run`.

    `first` is the first word of the command line: where it says which command is meant, here or among those that
    `commands` has already, the parsers of the others are not made: every start of `torre` would pay for them.
    """
    groups: dict[str, _SubParsersAction[ArgumentParser]] = {}
    for name in _meant(first, commands):
        group, _, verb = name.rpartition("_")
        if group and group not in groups:
            parent = commands.add_parser(group, help=_GROUPS[group])
            groups[group] = parent.add_subparsers(dest="verb", metavar="verb", title="verbs", required=True)
        command = import_module(f"llm.commands.{name}")
        parsers = groups[group] if group else commands
        parser = parsers.add_parser(verb, help=command.HELP, description=command.HELP)
        command.configure(parser)
        parser.set_defaults(run=command.run)


def _meant(first: str, commands: _SubParsersAction[ArgumentParser]) -> list[str]:
    here = [name for name in plugins.names("commands") if name != "base"]
    if first in commands.choices or first == "--version":
        return []
    return [name for name in here if first in (name, name.partition("_")[0])] or here
