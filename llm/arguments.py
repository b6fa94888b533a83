"""The command line, as a parser: what `torre --help` says and what each command takes."""

from __future__ import annotations

import argparse

from llm import __version__, plugins
from llm.commands import add_commands
from llm.commands._arguments import add_apply_terms

_DESCRIPTION = """\
Turn a red build green, and prove it.

Torre finds your project's own checks (tests, types, lint), reproduces what is red in a sandbox, makes
candidate fixes, runs the checks on every one of them, and shows the one that turns the red green and
breaks nothing. It changes none of your files unless you say --apply. Without any key it works offline,
with embedded fixers.
"""

_EPILOG = """\
examples:
  torre fix                        repair the project in this directory
  torre fix api --check "pytest -q"   only this check counts
  torre fix --format diff | git apply
  torre fix --apply                and write the patch to your files; `torre undo` takes it back
  torre checks                     what would be run, and where it was found
  torre doctor                     what this machine lacks, and the remedy

exit codes: 0 green, or nothing was red · 1 still red · 2 bad input or policy · 3 all providers failed ·
            4 refused by a quota · 5 no sandbox · 6 applied, then rolled back · 70 internal error · 130 interrupted
"""


def positive(text: str) -> float:
    """A number of seconds above zero."""
    number = _number(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return number


def not_negative(text: str) -> float:
    """A number of seconds, zero included."""
    number = _number(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, got {text!r}")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def commit(text: str) -> str:
    """The name of a commit. Nothing at all is what an unset variable of a CI job leaves, not a name."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a commit, a branch or a tag, got nothing")
    return text


def form(text: str) -> tuple[str, str]:
    """NAME or NAME=FILE: a form of the result, and the file it goes to ("": stdout)."""
    name, separator, path = text.partition("=")
    known = plugins.names("report.formats")
    if name not in known:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(known)}, got {name!r}")
    if separator and not path:
        raise argparse.ArgumentTypeError(f"expected a file after {text}")
    return name, path


def build_parser(first: str = "") -> argparse.ArgumentParser:
    """The parser of `torre`. `first` is the first word of the command line, where that is known: the parsers of
    other commands are then not made."""
    parser = argparse.ArgumentParser(
        prog="torre",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"torre {__version__}")
    parser.set_defaults(whole_parser=build_parser)  # for the completion script, which tells of all of it
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    _fix(commands.add_parser("fix", help="find what is red, repair it, prove it"))
    add_commands(commands, first)
    return parser


def _fix(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("path", nargs="?", default=".", help="the project (default: this directory), or - for JSON on stdin")
    add("--check", action="append", default=[], metavar="CMD", help="a command that must be green (repeatable)")
    _result(parser)
    add("--providers", action="store_true", help="ask the policy's providers too, as PROVIDERS_V1=1 does")
    add(
        "--policy-from",
        type=commit,
        metavar="REF",
        help="take the policy from this commit of git, as TORRE_POLICY_FROM does",
    )
    add(
        "--accept-ambiguous",
        action="store_true",
        help="take the first of several that pass but behave differently",
    )
    add(
        "--max-seconds",
        type=not_negative,
        default=30.0,
        metavar="S",
        help="time for the embedded search (default 30; 0: it is left out, the lanes alone are asked)",
    )
    add("--apply", action="store_true", help="write the proven patch to your files, as TORRE_APPLY=1 does")
    add_apply_terms(parser)
    add("--deadline", type=positive, default=None, metavar="S", help="time for everything (default: none)")


def _result(parser: argparse.ArgumentParser) -> None:
    """In which form, and where to."""
    add = parser.add_argument
    add("--json", action="store_true", help="one JSON object on stdout, as --format json")
    add(
        "--format",
        type=form,
        action="append",
        default=[],
        metavar="NAME[=FILE]",
        help=f"the form of the result (repeatable with files): {', '.join(plugins.names('report.formats'))}",
    )
    add(
        "--explain",
        dest="format",
        action="append_const",
        const=("explain", ""),
        help="say below the result why this patch, as --format explain",
    )
    add("--files", action="store_true", help="with --json: the changed files whole, beside the diff")
