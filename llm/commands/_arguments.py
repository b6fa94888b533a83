"""Arguments that several commands take, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _ActionsContainer


def add_path(parser: _ActionsContainer, further: str = "") -> None:
    """Where the project is; `further` is what else may stand there."""
    parser.add_argument("path", nargs="?", default=".", help=f"the project (default: this directory){further}")


def add_apply_terms(parser: _ActionsContainer) -> None:
    """How an apply is to be done."""
    parser.add_argument(
        "--commit",
        action="store_true",
        help="and commit exactly these files (git; no hooks run); `torre undo` leaves the commit",
    )
    parser.add_argument(
        "--accept-reduced", action="store_true", help="apply although the sandbox is weaker than `full`"
    )


def add_json(parser: _ActionsContainer) -> None:
    """For machines."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
