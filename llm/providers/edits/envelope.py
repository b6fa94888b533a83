"""Answers as `*** Begin Patch` … `*** End Patch`: hunks without line numbers, in order, under `@@ anchor`s."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm.providers.edits.base import AnswerError, Changed, Defect, Files, quoted, refuse_too_many
from llm.providers.edits.matching import Placer
from llm.providers.edits.names import resolve

_FILE = re.compile(r"\*\*\* (?P<verb>Update|Add|Delete) File: (?P<path>.{1,300})$")
_MOVE = re.compile(r"\*\*\* Move to: (?P<path>.{1,300})$")
_END = ("*** End Patch", "*** End of Patch")


@dataclass(frozen=True, slots=True)
class _Section:
    verb: str
    path: str
    lines: tuple[str, ...]


def read(lines: Sequence[str], files: Files) -> Changed | None:
    """The files after the patch. AnswerError: MALFORMED, UNKNOWN_FILE and what a `Placer` raises."""
    sections = list(_sections(lines))
    refuse_too_many(sum(line.startswith("@@") for section in sections for line in section.lines))
    changed: Changed = {}
    placer = Placer()
    for section in sections:
        _apply(section, {**files, **changed}, changed, placer)
    return changed or None


def _sections(lines: Sequence[str]) -> Iterator[_Section]:
    verb = path = ""
    body: list[str] = []
    for line in [*lines, _END[0]]:
        found = _FILE.match(line)
        ends = line.startswith(_END)
        if (found or ends) and verb:
            yield _Section(verb, path, tuple(body))
        if found or ends:
            verb, path, body = (found["verb"], found["path"], []) if found else ("", "", [])
        elif verb and not line.startswith("```"):
            body.append(line)


def _apply(section: _Section, now: Changed, changed: Changed, placer: Placer) -> None:
    path = resolve(section.path, now)
    text = now.get(path)
    if section.verb == "Add":
        if text:
            raise AnswerError(Defect.AMBIGUOUS, f"{quoted(path)} is added, and it exists")
        changed[path] = _added(section.lines)
        return
    if text is None:
        raise AnswerError(Defect.UNKNOWN_FILE, f"there is no file {quoted(path)} to change")
    changed[path] = None
    if section.verb == "Update":
        moved = _MOVE.match(section.lines[0]) if section.lines else None
        to = resolve(moved["path"], now) if moved else path
        changed[to] = _patched(text, section.lines[bool(moved) :], placer)


def _added(lines: Sequence[str]) -> str:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return "".join(f"{line.removeprefix('+')}\n" for line in lines[:end])


def _patched(text: str, body: Sequence[str], placer: Placer) -> str:
    lines = text.split("\n")
    cursor = 0
    for anchors, hunk in _hunks(body):
        for anchor in anchors:
            cursor = _after_anchor(lines, anchor, cursor)
        old = [line[1:] for line in hunk if line[:1] in ("-", " ")]
        new = [line[1:] for line in hunk if line[:1] in ("+", " ")]
        if not old:
            at = cursor if anchors else len(lines) - (lines[-1] == "")
            lines[at:at] = new
            cursor = at + len(new)
            continue
        spot = placer.place(lines, old, after=cursor)
        made = spot.make(new)
        lines[spot.start : spot.end] = made
        cursor = spot.start + len(made)
    return "\n".join(lines)


def _hunks(body: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Each hunk with the anchors above it. A line without a tag is a line of the context."""
    anchors: list[str] = []
    hunk: list[str] = []
    for line in [*body, "@@"]:
        if line.startswith("@@"):
            if trimmed := _trimmed(hunk):
                yield anchors, trimmed
                anchors, hunk = [], []
            anchors += [anchor] if (anchor := line.strip("@ ")) else []
        elif not line.startswith("*** End of File"):
            hunk.append(line if line[:1] in ("+", "-", " ") else f" {line}")


def _trimmed(hunk: list[str]) -> list[str]:
    """Without the blank lines that only separate hunks."""
    while hunk and hunk[-1] == " ":
        hunk.pop()
    return hunk


def _after_anchor(lines: Sequence[str], anchor: str, cursor: int) -> int:
    """The line after the next one that an anchor quotes; the cursor where there is none."""
    places = (at for at in range(cursor, len(lines)) if lines[at].strip().startswith(anchor))
    return next(places, cursor - 1) + 1
