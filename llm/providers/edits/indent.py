"""The difference between a file's indentation and a model's, and its application to the replacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_UNITS = (("", ""), ("    ", "\t"), ("  ", "\t"), ("        ", "\t"), ("\t", "    "), ("\t", "  "))
"""What a model's unit of indentation may have become in place of the file's; first: the same."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A model's line gets `add` in front after `remove` was taken off and its units were exchanged."""

    remove: str = ""
    add: str = ""
    unit: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, found: str, written: str) -> Shift:
        """The shift by which one line of a model comes to stand where the file's does."""
        return shift_between([found], [written]) or cls(indent_of(written), indent_of(found))

    def applied(self, line: str) -> str:
        """A line of the replacement; a blank one stays as it is."""
        if not line.strip():
            return line
        depth, rest = indent_of(line), line.lstrip()
        depth = depth.replace(*self.unit) if self.unit[0] else depth
        return self.add + depth.removeprefix(self.remove) + rest


def shift_between(found: Sequence[str], written: Sequence[str]) -> Shift | None:
    """The one shift that brings all lines that a model wrote to those of the file, or None."""
    pairs = [(indent_of(a), indent_of(b)) for a, b in zip(found, written, strict=True) if a.strip()]
    return next((shift for unit in _UNITS if (shift := _uniform(pairs, unit))), None)


def indent_of(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def _uniform(pairs: Sequence[tuple[str, str]], unit: tuple[str, str]) -> Shift | None:
    if not pairs:
        return None
    exchanged = [(a, b.replace(*unit) if unit[0] else b) for a, b in pairs]
    first, other = exchanged[0]
    more, less = first.removesuffix(other), other.removesuffix(first)
    if first.endswith(other) and all(a == more + b for a, b in exchanged):
        return Shift(add=more, unit=unit)
    if other.endswith(first) and all(b == less + a for a, b in exchanged):
        return Shift(remove=less, unit=unit)
    return None
