"""Several ways in one: their edits that do not touch one another, and the imports that they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llm.fixers.python_search.add_import import add_import
from llm.fixers.python_search.edits import parsed
from llm.fixers.python_types.annotations import bound_names
from llm.fixers.python_types.code import Way

_Span = tuple[int, int, str]


def merged(
    original: Mapping[str, str], changed: Mapping[str, str], ways: Iterable[Way]
) -> Mapping[str, str] | None:
    """The changed texts with these ways taken on top; None where nothing is left changed or it is no program.

    A way that touches one before it is left out; two ways may share an edit.
    """
    current = {**original, **changed}
    taken: dict[str, list[_Span]] = {}
    names: dict[tuple[str, str, str], None] = {}
    for way in ways:
        edits = [(path, (e.start, e.end, e.text)) for path, e in way.edits]
        fresh = [(path, edit) for path, edit in edits if edit not in taken.get(path, ())]
        if any(_touch(edit, other) for path, edit in fresh for other in taken.get(path, ())):
            continue
        for path, edit in fresh:
            taken.setdefault(path, []).append(edit)
        names |= dict.fromkeys(way.names)
    texts = {**changed, **{path: _applied(current[path], edits) for path, edits in taken.items()}}
    own = {path.split("/")[0].removesuffix(".py") for path in original}
    for path, module, name in names:
        texts[path] = _with_import(path, texts.get(path, current[path]), module, name, own)
    different = {path: text for path, text in texts.items() if text != original[path]}
    return different if different and all(parsed(path, text) for path, text in different.items()) else None


def _touch(one: _Span, other: _Span) -> bool:
    """Whether they change the same text, or both insert at one place."""
    return (one[0] < other[1] and other[0] < one[1]) or one[:2] == other[:2]


def _applied(text: str, edits: list[_Span]) -> str:
    for start, end, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _with_import(path: str, text: str, module: str, name: str, own: set[str]) -> str:
    source = parsed(path, text)
    if source is None or (name or module) in bound_names(source):
        return text
    return add_import(source, module, name, name or module, own).apply(text)
