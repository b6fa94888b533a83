"""Answers in search/replace blocks: the lines to look for, a divider, the lines to put there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from llm.providers.edits.base import MOST_EDITS, AnswerError, Changed, Defect, Files, quoted, refuse_too_many
from llm.providers.edits.marks import DIVIDER, REPLACE, SEARCH
from llm.providers.edits.matching import Placer
from llm.providers.edits.names import label, label_above, label_in_info, resolve

_MOST_DIVIDERS = 20
"""Underlined headings look like the divider too; which one it is, is tried."""


@dataclass(frozen=True, slots=True)
class _Block:
    """`named` is the path written near it, or "". `dividers` are the lines of `body` that may be the divider."""

    named: str
    body: tuple[str, ...]
    dividers: tuple[int, ...]

    def parts(self, divider: int) -> tuple[list[str], list[str]]:
        """What is looked for, and what comes in its place."""
        return list(self.body[:divider]), list(self.body[divider + 1 :])


def read(lines: Sequence[str], files: Files) -> Changed | None:
    """The files after all blocks, in order. AnswerError: MALFORMED and what a `Placer` raises."""
    blocks = list(dict.fromkeys(islice(_blocks(lines, files), MOST_EDITS + 1)))
    refuse_too_many(len(blocks))
    changed: Changed = {}
    placer = Placer()
    path = ""
    for block in blocks:
        now = {**files, **{known: text for known, text in changed.items() if text is not None}}
        path = resolve(block.named, files) if block.named else path or _holding(block, now)
        changed[path] = _applied(block, path, now, placer)
    return changed or None


def _blocks(lines: Sequence[str], files: Files) -> Iterator[_Block]:
    at = least = 0
    while at < len(lines):
        if head := SEARCH.match(lines[at]):
            end = _end(lines, at + 1)
            body = tuple(lines[at + 1 : end])
            dividers = tuple(i for i, line in enumerate(body) if DIVIDER.match(line))
            if not 0 < len(dividers) <= _MOST_DIVIDERS:
                raise AnswerError(Defect.MALFORMED, f"a search block has {len(dividers)} ======= lines")
            named = label(head["path"], files) or _above(lines, at, least, files)
            yield _Block(named, body, dividers)
            at = least = end
        at += 1


def _end(lines: Sequence[str], at: int) -> int:
    """Where a block ends: at its REPLACE line, or where that was forgotten, with the fence around it."""
    divided = False
    fence = 0
    for index in range(at, len(lines)):
        line = lines[index]
        if divided and REPLACE.match(line):
            return index
        if SEARCH.match(line):
            break
        if divided and line.strip() == "```":
            fence = fence or index
        divided = divided or bool(DIVIDER.match(line))
    if not fence:
        raise AnswerError(Defect.MALFORMED, "a search block has no >>>>>>> REPLACE line")
    return fence


def _above(lines: Sequence[str], at: int, least: int, files: Files) -> str:
    opening = lines[at - 1].strip() if at > least else ""
    if opening.startswith(("```", "~~~")) and (named := label_in_info(opening.strip("`~"), files)):
        return named
    return label_above(lines, at, least, files)


def _holding(block: _Block, files: Files) -> str:
    """The file of a block that names none: the only one there is, or the only one that holds the lines."""
    if len(files) == 1:
        return next(iter(files))
    wanted = "\n".join(block.parts(block.dividers[0])[0])
    holding = [path for path, text in files.items() if wanted.strip() and wanted in text]
    if len(holding) != 1:
        raise AnswerError(Defect.NO_EDIT, "no path says which file a search block is for")
    return holding[0]


def _applied(block: _Block, path: str, files: Files, placer: Placer) -> str:
    """The file after the block. Of several lines that may be the divider, the last that fits is."""
    failure: AnswerError | None = None
    for divider in reversed(block.dividers):
        old, new = block.parts(divider)
        try:
            return _replaced(old, new, path, files, placer)
        except AnswerError as error:
            failure = failure or error
    assert failure
    raise failure


def _replaced(old: list[str], new: list[str], path: str, files: Files, placer: Placer) -> str:
    text = files.get(path)
    if not any(line.strip() for line in old):
        if text and text.strip():
            raise AnswerError(Defect.AMBIGUOUS, f"an empty search block does not say where in {path}")
        return "".join(f"{line}\n" for line in new)
    if text is None:
        raise AnswerError(Defect.UNKNOWN_FILE, f"there is no file {quoted(path)} to search in")
    lines = text.split("\n")
    spot = placer.place(lines, old)
    return "\n".join([*lines[: spot.start], *spot.make(new), *lines[spot.end :]])
