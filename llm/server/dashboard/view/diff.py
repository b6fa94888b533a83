"""A diff line by line, with what each line is."""

from __future__ import annotations

from collections.abc import Iterator

MOST_LINES = 2000
_KINDS = (("+++", "file"), ("---", "file"), ("diff ", "file"), ("@@", "hunk"), ("+", "add"), ("-", "del"))


def diff_lines(diff: str) -> Iterator[tuple[str, str]]:
    """Kind (`file`, `hunk`, `add`, `del`, ``) and text of each line, at most `MOST_LINES` of them."""
    lines = diff.rstrip("\n").split("\n")
    for line in lines[:MOST_LINES]:
        yield next((kind for mark, kind in _KINDS if line.startswith(mark)), ""), line
    if len(lines) > MOST_LINES:
        yield "hunk", f"… {len(lines) - MOST_LINES} more lines: `torre trace` shows them"
