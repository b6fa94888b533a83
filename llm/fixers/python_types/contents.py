"""The type of a collection that starts empty: the checker is asked what goes into one that may hold nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from llm.fixers.python_types.annotations import spelled
from llm.fixers.python_types.code import Point, Way
from llm.fixers.python_types.declarations import Declaration, declaration
from llm.fixers.python_types.widening import as_type, targets

Found = dict[str, str]
_TOLD, _LOOSE, _ANYTHING = 0.6, 0.4, 0.12
_ONE = ("list", "set", "deque", "frozenset")
_VALUE = re.compile(
    r'(?:Argument 1 to "(?:append|add|appendleft)" .* has incompatible type "(?P<item>.+)"; expected "None"'
    r'|expression has type "(?P<value>.+)", target has type "None"'
    r'|Argument 1 to "(?:extend|update)" .* has incompatible type "\w+\[(?P<inner>.+)\]"; expected "\w+\[None)'
)
_KEY = re.compile(r'Invalid index type "(?P<key>.+)" for "\w*[dD]ict\[None, ')
_NESTED = {"List": "list[Any]", "Dict": "dict[str, Any]", "Set": "set[Any]"}


def needed(point: Point, found: Found) -> Iterator[Way]:
    """`x = []`: annotated with what the code puts into it, else with anything."""
    for target in targets(point):
        if getattr(target, "id", getattr(target, "attr", None)) != found["name"]:
            continue
        declared = declaration(point.source, target)
        if declared is not None:
            kind = _kind(declared, found.get("hint") or "")
            for rank, said in enumerate(_told(point, declared, kind)):
                yield from as_type(point, declared, said, _TOLD - 0.05 * rank)
            for rank, said in enumerate(_guesses(declared, kind)):
                yield from as_type(point, declared, said, _LOOSE - 0.05 * rank)
            yield from as_type(point, declared, "Any", _ANYTHING)


def _kind(declared: Declaration, hint: str) -> str:
    """`list`, `dict`, … by the checker's hint or by what is assigned."""
    said = re.search(r": (\w+)\[", hint)
    if said:
        return said[1].lower()
    if isinstance(declared.value, ast.Call):
        return ast.unparse(declared.value.func)
    return type(declared.value).__name__.lower()


def _told(point: Point, declared: Declaration, kind: str) -> Iterator[str]:
    """What the complaints about a collection of None say, if they say it."""
    empty = "dict[None, None]" if kind == "dict" else f"{kind}[None]"
    spelling = spelled(point.code, declared.source, empty) if kind in (*_ONE, "dict") else None
    way = declared.annotated(spelling, "nothing inside", 0.0) if spelling else None
    complaints = (point.ask(way) if way else None) or ()
    values = _union(m for c in complaints for m in _VALUE.finditer(c.message))
    keys = _union(m for c in complaints for m in _KEY.finditer(c.message))
    if kind == "dict" and (keys or values):
        yield f"dict[{keys or 'str'}, {values or 'Any'}]"
    elif values:
        yield f"{kind}[{values}]"


def _union(matches: Iterator[re.Match[str]]) -> str:
    found = (re.sub(r"Literal\[.*?\]\?", "str", text) for m in matches for text in m.groups() if text)
    return " | ".join(dict.fromkeys(found))


def _guesses(declared: Declaration, kind: str) -> Iterator[str]:
    if kind == "dict":
        inner = [type(v).__name__ for v in getattr(declared.value, "values", [])]
        yield from (f"dict[str, {_NESTED[name]}]" for name in inner[:1] if name in _NESTED)
        yield from ("dict[str, Any]", "dict[Any, Any]")
    elif kind == "tuple":
        yield "tuple[Any, ...]"
    elif kind in _ONE:
        yield f"{kind}[Any]"


RULES = ((r'Need type annotation for "(?P<name>\w+)"(?: \(hint: "(?P<hint>.+)"\))?', needed),)
