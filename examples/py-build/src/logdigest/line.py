"""One line of an access log in the common format."""

from __future__ import annotations

import re

_LINE = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<when>[^\]]+)\] "(?P<verb>[A-Z]+) (?P<path>\S+)[^"]*" (?P<status>\d{3}) (?P<size>\d+|-)'
)


@dataclass(frozen=True)
class Request:
    host: str
    verb: str
    path: str
    status: int
    size: int

    @property
    def failed(self) -> bool:
        return self.status >= 400


def read(text: str) -> Request | None:
    """The request in a line of a log, None where the line is none. A size of `-` is 0."""
    match = _LINE.match(text)
    if match is None:
        return None
    size = 0 if match["size"] == "-" else int(match["size"])
    path = match["path"].partition("?")[0]
    return Request(match["host"], match["verb"], path, int(match["status"]), size)
