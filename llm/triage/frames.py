"""Python's tracebacks, as pytest, unittest and the interpreter print them: where it broke and with what."""

from __future__ import annotations

import re
from collections.abc import Iterable

FRAME = re.compile(r'(?:E )?\s*File "(?P<path>[^"\t\n]+)", line (?P<line>\d{1,7})')
EXCEPTION = re.compile(r"(?P<code>[A-Za-z_][\w.]*)(?:: (?P<message>.*)|:?$)")
_FOREIGN = re.compile(r"<|.*[\\/](?:site-packages|dist-packages|lib[\\/]python3[\d.]*)[\\/]")


def deepest(frames: Iterable[re.Match[str]]) -> re.Match[str] | None:
    """The last frame in code that is not installed or frozen; the last of all where there is none; or None."""
    seen = list(frames)
    own = [frame for frame in seen if not _FOREIGN.match(frame["path"])] or seen
    return own[-1] if own else None


def bare_name(code: str) -> str:
    """`JSONDecodeError` for `json.decoder.JSONDecodeError`: the name that pytest prints too."""
    return code.rpartition(".")[2]
