"""A model's answer → the edit it means, in whatever form it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llm.providers.edits import envelope, search_replace, udiff, whole
from llm.providers.edits.base import AnswerError, Changed, Defect, Files, quoted
from llm.providers.edits.marks import holds_blocks, placeholder
from llm.workspace.paths import flaw

__all__ = ["AnswerError", "Defect", "Edit", "other_style", "read_answer", "retry_hint"]

MAX_CHARS = 8_000_000
MAX_LINES = 200_000
_BOM = "\ufeff"
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_FORMS: tuple[tuple[str, Callable[[Sequence[str], Files], Changed | None]], ...] = (
    ("envelope", envelope.read),
    ("search_replace", search_replace.read),
    ("udiff", udiff.read),
    ("whole", whole.read),
)
"""From the form that nothing else looks like to the one that everything does."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`after` has the files that differ: their new text, None where one is gone. `format` is what was recognised.

    `make_diff(files, edit.after)` is the candidate. Whether the files may be touched is the rules' to say.
    """

    after: Mapping[str, str | None]
    format: str


def read_answer(text: str, files: Files) -> Edit:
    """The edit that `text` means; `files` are the texts that it is about, as the model was shown them.

    Whole files, search/replace blocks, unified diffs and `*** Begin Patch` are all read, whatever was asked for.
    A form that cannot be used gives way to the next; AnswerError is the first form's. Paths are plain and
    relative. Line endings, BOM and the last newline stay as the file has them.
    """
    if len(text) > MAX_CHARS:
        raise AnswerError(Defect.TOO_LARGE, f"{len(text)} characters, and {MAX_CHARS} are the limit")
    lines = _cleaned(text).split("\n")
    if len(lines) > MAX_LINES:
        raise AnswerError(Defect.TOO_LARGE, f"{len(lines)} lines, and {MAX_LINES} are the limit")
    failure: AnswerError | None = None
    plain = {path: before.removeprefix(_BOM) for path, before in files.items()}
    for name, read in _FORMS if not any(map(holds_blocks, plain.values())) else (_FORMS[-1], *_FORMS):
        try:
            if changed := read(lines, plain):
                return Edit(_with_marks(_checked(changed, plain), files), name)
        except AnswerError as error:
            failure = failure or error
    raise failure or AnswerError(Defect.NO_EDIT, "the answer holds no edit" if text.strip() else "it is empty")


def retry_hint(error: AnswerError) -> str:
    """The sentences that ask a model once more after an answer that could not be used."""
    return f"Your answer could not be applied: {error.detail}. {_ADVICE[error.reason]}"


def other_style(style: str) -> str:
    """The form to ask for when an answer in `style` could not be used."""
    return "whole" if style == "search_replace" else "search_replace"


_ADVICE: Mapping[Defect, str] = {
    Defect.NO_EDIT: "Answer with the edit itself, each part under the path of its file.",
    Defect.NOT_FOUND: "Copy the lines to be replaced from the file as it was given, character by character.",
    Defect.AMBIGUOUS: "Give more lines around the change, so that it fits one place only, and each file once.",
    Defect.UNKNOWN_FILE: "Use the paths of the files as they were given.",
    Defect.BAD_PATH: "Use paths relative to the workspace, as they were given.",
    Defect.ELIDED: "Write out every line; nothing may stand for code that you leave out.",
    Defect.MALFORMED: "Keep exactly to the format.",
    Defect.NO_CHANGE: "The files would be the same as before; the failure is still there.",
    Defect.TOO_LARGE: "Make the smallest change that fixes the failure.",
}


def _cleaned(text: str) -> str:
    """Without what no file may gain: CR, NUL, halves of surrogate pairs; and without a model's thinking aloud."""
    plain = _SURROGATE.sub("\ufffd", text.replace("\r\n", "\n").replace("\0", "").removeprefix(_BOM))
    thought = plain.lstrip()
    if thought.startswith(("<think>", "<thinking>")):
        for end in ("</think>", "</thinking>"):
            thought = thought.rpartition(end)[2]
        return thought
    return plain


def _checked(changed: Changed, files: Files) -> Changed:
    """What really differs; AnswerError where nothing does, a path is no path, or a placeholder came in."""
    after = {path: text for path, text in changed.items() if text != files.get(path)}
    if not after:
        raise AnswerError(Defect.NO_CHANGE, "it leaves the files as they are")
    for path, text in after.items():
        if why := flaw(path):
            raise AnswerError(Defect.BAD_PATH, f"the path {quoted(path)} is refused: {why}")
        known = set(files.get(path, "").split("\n"))
        if line := placeholder([line for line in (text or "").split("\n") if line not in known], path):
            raise AnswerError(Defect.ELIDED, f"{quoted(line)} in {path} stands for code that is left out")
    return after


def _with_marks(after: Changed, files: Files) -> Changed:
    """The files that began with a byte order mark begin with it again."""
    marked = {path for path, before in files.items() if before.startswith(_BOM)}
    return {
        path: _BOM + text.removeprefix(_BOM) if text and path in marked else text for path, text in after.items()
    }
