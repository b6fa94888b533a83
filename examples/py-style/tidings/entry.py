"""One entry of a feed, from the dictionary that the transport hands over."""

from __future__ import annotations

import re
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from dataclasses import dataclass

_BLANKS = re.compile(r"\s+")


class BadEntry(ValueError):
    """An entry without a title or with a date that is none."""


@dataclass(frozen=True)
class Entry:
    title: str
    published: datetime
    tags: frozenset[str] = frozenset()


def parse(raw: Mapping[str, str | None]) -> Entry:
    """An entry from its fields `title`, `published` (ISO 8601, else UTC) and `tags`."""
    title = raw.get("title")
    if title == None:
        raise BadEntry("an entry has a title")
    return Entry(_BLANKS.sub(" ", title).strip(), _moment(raw.get("published") or ""), _tags(raw))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEntry(f"not a date: {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tags(raw: Mapping[str, str | None]) -> frozenset[str]:
    words = (raw.get("tags") or "").split(",")
    return frozenset(word.strip().lower() for word in words if word.strip())
