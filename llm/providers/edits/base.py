"""What the edit formats share: the changed files they give, and the one error they raise."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

Files = Mapping[str, str]
"""Text by relative path, as it was before."""

Changed = dict[str, str | None]
"""New text by path, None for a file that is gone."""

MOST_EDITS = 300
"""Blocks or hunks of one answer; a minimal change has a handful."""


class Defect(StrEnum):
    """Why an answer holds no usable edit; a closed set."""

    NO_EDIT = "no_edit"
    """Prose only, or code of which nobody can tell where it belongs."""
    NOT_FOUND = "not_found"
    """What is to be replaced is not in the file."""
    AMBIGUOUS = "ambiguous"
    """It is there more than once, or one file is given twice in different forms."""
    UNKNOWN_FILE = "unknown_file"
    BAD_PATH = "bad_path"
    """Absolute, or leading out of the workspace."""
    ELIDED = "elided"
    """A placeholder stands for code, or a fragment for a whole file."""
    MALFORMED = "malformed"
    """A block that does not close, a hunk without lines."""
    NO_CHANGE = "no_change"
    TOO_LARGE = "too_large"


class AnswerError(Exception):
    """An answer that is no edit. `detail` is one sentence; it may quote a line or a path of the answer."""

    def __init__(self, reason: Defect, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def quoted(line: str) -> str:
    """A line of the answer, short enough for a sentence."""
    return repr(line.strip()[:100])


def refuse_too_many(edits: int) -> None:
    """AnswerError(TOO_LARGE) beyond MOST_EDITS."""
    if edits > MOST_EDITS:
        raise AnswerError(Defect.TOO_LARGE, f"{edits} edits, and {MOST_EDITS} are the limit")
