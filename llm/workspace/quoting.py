"""Paths as git writes them in a diff: C-escaped and quoted where they hold anything unusual."""

from __future__ import annotations

import re

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_BYTES = {letter: bytes([code]) for code, letter in _ESCAPES.items()}
_PIECE = re.compile(r'\\([0-3][0-7]{2})|\\([abtnvfr"\\])|([^\\"]+)')


def quote(path: str) -> str:
    """`path` for a diff header; as it is where it is plain ASCII, else like git's `core.quotePath`."""
    raw = path.encode("utf-8", "surrogateescape")
    if all(0x20 <= byte < 0x7F and byte not in _ESCAPES for byte in raw):
        return path
    return '"' + "".join(_escaped(byte) for byte in raw) + '"'


def unquote(text: str) -> tuple[str, str]:
    """The path that the quoted name at the start of `text` stands for, and what follows the closing quote.

    ValueError where the quotes do not close or an escape is unknown. Bytes that are not UTF-8 come back as
    surrogates.
    """
    raw, at = bytearray(), 1
    while piece := _PIECE.match(text, at):
        octal, letter, plain = piece.groups()
        raw += bytes([int(octal, 8)]) if octal else _BYTES[letter] if letter else _encoded(plain)
        at = piece.end()
    if text[at : at + 1] != '"':
        raise ValueError("a quoted path that does not end")
    return raw.decode("utf-8", "surrogateescape"), text[at + 1 :]


def _encoded(plain: str) -> bytes:
    return plain.encode("utf-8", "surrogateescape")


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
