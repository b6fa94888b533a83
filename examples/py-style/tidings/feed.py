"""A feed: entries in order, without duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidings.entry import Entry


class Feed:
    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take entries in; one that is there already is replaced."""
        for entry in entries:
            self._entries[entry.title, entry.published.isoformat()] = entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values(), key=lambda e: e.published, reverse=True))

    def __len__(self) -> int:
        return len(self._entries)

    def newest(self, count: int) -> list[Entry]:
        return [entry for entry in self][:count]

    def tagged(self, tag: str) -> list[Entry]:
        return [entry for entry in self if tag.lower() in entry.tags]
