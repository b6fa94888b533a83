"""What the header lines of one file in a diff say: its names, its modes, and what happens to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.mend import invalid
from llm.workspace.quoting import unquote

Kind = Literal["add", "modify", "delete", "rename"]

_NOWHERE = "/dev/null"
_PREFIX = re.compile(r"[abciow12]/")
_TIMESTAMP = re.compile(r"\t.*|(?<!\s)\s+\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", re.DOTALL)
_MIDDLE = 4
"""How far from the middle of a `diff --git` line its two names may part: prefixes make one longer."""
_PLAIN_MODES = {"", "100644", "100755", "100664"}
_OUTSIDE_MODES = {"120000": "symlink", "160000": "submodule"}


@dataclass(frozen=True, slots=True)
class Header:
    """`old_path` is "" for an added file, `new_path` for a deleted one. `git` tells of a git header."""

    old_path: str
    new_path: str
    kind: Kind
    old_mode: str
    new_mode: str
    git: bool


def read_header(lines: Sequence[str]) -> Header:
    """The header of one section. DiffError: names that disagree, copies, special modes, a changed mode."""
    words = _words(lines)
    old, new = _names(words)
    if "new file mode" in words:
        old = ""
    if "deleted file mode" in words:
        new = ""
    if not old and not new:
        raise invalid("a file is neither named before nor after")
    return Header(old, new, _kind(old, new, words), *_modes(words), git="diff --git" in words)


def _words(lines: Sequence[str]) -> dict[str, str]:
    """Header lines by their first words: `rename from`, `new file mode`, `---`, …"""
    words = {}
    for line in lines:
        key = next((k for k in _KEYS if line.startswith(k + " ")), "")
        words[key] = line[len(key) + 1 :]
    return words


_KEYS = (
    *("diff --git", "---", "+++", "old mode", "new mode", "new file mode", "deleted file mode"),
    *("rename from", "rename to", "copy from", "copy to", "index"),
)


def _names(words: dict[str, str]) -> tuple[str, str]:
    if "copy from" in words:
        raise invalid("copies are not supported; write the new file out")
    if "rename from" in words and "rename to" in words:
        return _name(words["rename from"]), _name(words["rename to"])
    if "---" in words and "+++" in words:
        return _unprefixed(_name(words["---"]), _name(words["+++"]))
    return _split(words["diff --git"])


def _name(text: str) -> str:
    """The path in a header line: unquoted, without its timestamp. `/dev/null` stays."""
    if not text.startswith('"'):
        return _TIMESTAMP.sub("", text) if "\t" in text else _TIMESTAMP.sub("", text).rstrip()
    try:
        return unquote(text)[0]
    except ValueError as error:
        raise invalid(str(error)) from error


def _unprefixed(old: str, new: str) -> tuple[str, str]:
    """Both names without `a/` and `b/`, where those are prefixes and not directories; "" for /dev/null.

    Equal names carry no prefix: a file in a directory `a` stays where it is.
    """
    if _NOWHERE in (old, new):
        return tuple("" if name == _NOWHERE else _bare(name) for name in (old, new))  # type: ignore[return-value]
    if old != new and (_PREFIX.match(old) or _PREFIX.match(new)):
        old, new = _bare(old), _bare(new)
    return old.removeprefix("./"), new.removeprefix("./")


def _bare(name: str) -> str:
    return (name[2:] if _PREFIX.match(name) else name).removeprefix("./")


def _split(text: str) -> tuple[str, str]:
    """Both names of a `diff --git` line that no other line repeats: they are equal but for the prefix."""
    if text.startswith('"'):
        try:
            old, rest = unquote(text)
        except ValueError as error:
            raise invalid(str(error)) from error
        return _unprefixed(old, _name(rest.strip()))
    middle = len(text) // 2
    for at in range(max(0, middle - _MIDDLE), middle + _MIDDLE + 1):
        old, new = _unprefixed(text[:at], text[at + 1 :])
        if text[at : at + 1] == " " and old == new:
            return old, new
    raise invalid("the names in a git header cannot be told apart")


def _kind(old: str, new: str, words: dict[str, str]) -> Kind:
    if not old or not new:
        return "delete" if old else "add"
    if "rename from" in words:
        return "rename"
    if old not in (new, f"{new}.orig"):
        raise invalid("two different files are named and nothing says that one is renamed")
    return "modify"


def _modes(words: dict[str, str]) -> tuple[str, str]:
    index = words.get("index", "").partition(" ")[2].strip()
    old = words.get("old mode", words.get("deleted file mode", index)).strip()
    new = words.get("new mode", words.get("new file mode", index)).strip()
    for mode in (old, new):
        if mode in _OUTSIDE_MODES:
            raise DiffError(DiscardReason.PATH_ESCAPE, f"a {_OUTSIDE_MODES[mode]} is not a file")
        if mode not in _PLAIN_MODES:
            raise invalid(f"{mode!r} is no mode of a plain file")
    if "new mode" in words and old != new:
        raise invalid("the mode of an existing file would change")
    return old, new
