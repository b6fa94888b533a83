"""Entries of news feeds, newest first."""

from tidings.entry import Entry, parse
from tidings.feed import Feed

__all__ = ["Entry", "Feed", "parse"]
