"""A table of a page: a tuple of nouns that can be told row by row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeVar

T = TypeVar("T")


class Table(tuple[T, ...]):
    """Rows of one noun, in their order. `dataclasses.asdict` of what holds it makes it a list of dicts."""

    __slots__ = ()

    def rows(self) -> list[dict[str, Any]]:
        """One dict a row, by the names of the noun's fields; the same keys in each."""
        return [asdict(one) for one in self]  # type: ignore[call-overload]
