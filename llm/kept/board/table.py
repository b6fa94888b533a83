"""A table of a page: a tuple of nouns that can be told row by row."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class Table(tuple[T, ...]):
    """Rows of one noun, in their order. `dataclasses.asdict` of what holds it makes it a list of dicts."""

    __slots__ = ()

    def rows(self) -> list[dict[str, Any]]:
        """One dict a row, by the names of the noun's fields; the same keys in each."""
        names = [field.name for field in fields(self[0])] if self else []  # type: ignore[arg-type]
        return [{name: _told(getattr(one, name)) for name in names} for one in self]


def _told(value: Any) -> Any:
    """As `asdict` would, but what is plain is not copied: all runs that are kept go through here."""
    if isinstance(value, tuple):
        return tuple(map(_told, value))
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
