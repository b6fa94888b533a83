"""Where the result of a run goes, and in which form: `--format NAME` to stdout, `--format NAME=FILE` to a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from llm import plugins
from llm.errors import InputError
from llm.report.base import Format


@dataclass(frozen=True, slots=True)
class Destination:
    """One form of the result. `file` is None for stdout."""

    format: Format
    file: TextIO | None


def open_destinations(wanted: Iterable[tuple[str, str]]) -> tuple[Destination, ...]:
    """Destinations for (name, path) pairs; an empty path is stdout, which one of them may have.

    Files are emptied now, before anything is run: what an earlier run wrote must not pass for this one's, and a
    path that cannot be written is refused while nothing is lost by it. InputError.
    """
    pairs = list(wanted)
    if sum(not path for _, path in pairs) > 1:
        raise InputError("--format", "only one form can go to stdout; give the others a file: NAME=FILE")
    return tuple(
        Destination(plugins.load("report.formats", name, "FORMAT"), _opened(path)) for name, path in pairs
    )


def _opened(path: str) -> TextIO | None:
    if not path:
        return None
    try:
        return Path(path).open("w", encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError("--format", f"{path} cannot be written: {error.strerror}") from error
