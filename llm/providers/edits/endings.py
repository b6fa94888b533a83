"""A whole file as a model wrote it → with the line endings and unseen characters that the file had."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from llm.triage.clean import strip_control


def like_before(before: str, after: str) -> str:
    """`after` as the file that was `before` would hold it. `after` has `\\n` only and ends in it.

    Lines that a model gave back as it saw them (see `strip_control`) stay as they were; new ones end like the
    first line did. A last line that had no newline and is still the last has none.
    """
    if not before:
        return after
    text = after if strip_control(before) == before else _merged(before, after)
    if not before.endswith("\n") and _last(before) == _last(text):
        text = text.removesuffix("\n").removesuffix("\r")
    return text


def _merged(before: str, after: str) -> str:
    ending = "\r\n" if before.partition("\n")[0].endswith("\r") else "\n"
    return "".join(_lines(before, after, ending))


def _lines(before: str, after: str, ending: str) -> Iterator[str]:
    old, new = before.split("\n"), after.removesuffix("\n").split("\n")
    if old[-1] == "":
        old.pop()
    seen = [strip_control(line.removesuffix("\r")) for line in old]
    for tag, i, j, k, m in SequenceMatcher(None, seen, new, autojunk=len(old) > 5_000).get_opcodes():
        if tag == "equal":
            yield from (line + "\n" for line in old[i:j])
        else:
            yield from (line + ending for line in new[k:m])


def _last(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r").rpartition("\n")[2]
