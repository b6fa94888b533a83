"""Arguments that several commands take, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _ActionsContainer


def add_path(parser: _ActionsContainer, further: str = "") -> None:
    """Where the project is; `further` is what else may stand there."""
    parser.add_argument("path", nargs="?", default=".", help=f"the project (default: this directory){further}")


def add_json(parser: _ActionsContainer) -> None:
    """For machines."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
