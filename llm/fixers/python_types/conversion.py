"""A value of one type where another is wanted: converted, given a default, or (last) declared to be it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_types.annotations import spelled
from llm.fixers.python_types.code import Point, Way, before
from llm.fixers.python_types.narrowing import values

Found = dict[str, str]
_CONVERTED, _DEFAULT, _ASSERTED, _CAST = 0.4, 0.36, 0.3, 0.15
_CONVERTERS = {
    **{
        name: name
        for name in ("str", "int", "float", "list", "tuple", "set", "frozenset", "bool", "dict", "bytes")
    },
    **{
        "Sequence": "list",
        "MutableSequence": "list",
        "List": "list",
        "Tuple": "tuple",
        "Set": "set",
        "Dict": "dict",
    },
}
_FROM = {
    "str": ("Path", "PosixPath", "PurePath", "PathLike", "UUID", "Decimal", "int", "float"),
    "int": ("float", "str", "bool"),
    "float": ("str", "Decimal", "int"),
    "dict": ("Mapping", "OrderedDict", "defaultdict"),
    "bytes": ("bytearray", "memoryview"),
}
_EMPTY = {"str": '""', "int": "0", "float": "0.0", "list": "[]", "dict": "{}", "bytes": 'b""', "tuple": "()"}
_NEEDS_BRACKETS = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)


def converted(point: Point, found: Found) -> Iterator[Way]:
    """`f(x)` → `f(str(x))`, `x or ""`, `assert isinstance(x, T)`, `cast(T, x)`."""
    want, got = found["want"], found["got"]
    head = re.split(r"[\[ |]", want)[0]
    for value in dict.fromkeys(values(point)):
        yield from _called(point, value, _CONVERTERS.get(head, ""), got)
        if "None" in got:
            yield from _or_default(point, value, head)
        yield from _narrowed(point, value, want)
        yield from _cast(point, value, want)


def booleans(point: Point, found: Found) -> Iterator[Way]:
    """No overload fits: a keyword that takes a truth may have been given something that is only truthy."""
    for node in point.header():
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if not isinstance(keyword.value, ast.Constant):
                yield from _called(point, keyword.value, "bool", "")


def returned_any(point: Point, found: Found) -> Iterator[Way]:
    """`return f()` of a value that may be anything: through a variable that has the type."""
    match point.statement:
        case ast.Return(value=ast.expr() as value):
            spelling = spelled(point.code, point.source, found["want"])
            line = f"result: {spelling.text} = {point.source.segment(value)}" if spelling else ""
            edit = before(point.source, point.statement, line) if line else None
            if edit and spelling:
                end = Edit(*point.source.span(value), "result")
                yield point.way(
                    "return a variable of the declared type", _DEFAULT, edit, end, names=spelling.names
                )


def indexed(point: Point, found: Found) -> Iterator[Way]:
    """`x[key]` with a key that may be of another type."""
    for node in point.header():
        if isinstance(node, ast.Subscript):
            yield from _narrowed(point, node.slice, found["want"])
            yield from _called(point, node.slice, _CONVERTERS.get(found["want"], ""), found["got"])


def _called(point: Point, value: ast.expr, converter: str, got: str) -> Iterator[Way]:
    """Only from types that the converter keeps the sense of: `str` of an object would hide a mistake."""
    source_type = re.split(r"[\[ |]", got)[0]
    if not converter or "None" in got or (converter in _FROM and source_type not in _FROM[converter]):
        return
    start, end = point.source.span(value)
    yield point.way(
        f"{converter}() of it", _CONVERTED, Edit(start, end, f"{converter}({point.source.text[start:end]})")
    )


def _or_default(point: Point, value: ast.expr, head: str) -> Iterator[Way]:
    start, end = point.source.span(value)
    text, empty = point.source.text[start:end], _EMPTY.get(head)
    if not empty:
        return
    match value:
        case ast.Call(func=ast.Attribute(attr="get"), args=[_], keywords=[]):
            yield point.way(f"{empty} if it is missing", _DEFAULT, Edit(end - 1, end - 1, f", {empty}"))
    inner = f"({text})" if isinstance(value, _NEEDS_BRACKETS) else text
    outer = f"({inner} or {empty})" if not _alone(point, value) else f"{inner} or {empty}"
    yield point.way(f"{empty} instead of None", _DEFAULT - 0.05, Edit(start, end, outer))


def _alone(point: Point, value: ast.expr) -> bool:
    parent = point.source.parents.get(value)
    return isinstance(parent, ast.Call | ast.keyword | ast.Return | ast.Assign | ast.AnnAssign)


def _narrowed(point: Point, value: ast.expr, want: str) -> Iterator[Way]:
    """Return or assign only what really is of the wanted class."""
    plain = re.sub(r"\[.*\]$", "", want)
    spelling = spelled(point.code, point.source, plain) if plain.isidentifier() and plain != "Any" else None
    if point.statement is None or spelling is None or isinstance(value, ast.Constant):
        return
    text, edits = point.source.segment(value), []
    line = f"assert isinstance({text}, {spelling.text})"
    if isinstance(value, ast.Call | ast.Subscript) and isinstance(point.statement, ast.Return | ast.Assign):
        newline = point.source.newline + point.source.indent(point.statement)
        line = f"found = {text}{newline}assert isinstance(found, {spelling.text})"
        edits = [Edit(*point.source.span(value), "found")]
    first = before(point.source, point.statement, line)
    if first and (edits or isinstance(value, ast.Name | ast.Attribute)):
        yield point.way(f"assert that it is {spelling.text}", _ASSERTED, first, *edits, names=spelling.names)


def _cast(point: Point, value: ast.expr, want: str) -> Iterator[Way]:
    spelling = spelled(point.code, point.source, want)
    if spelling is None or spelling.text == "Any":
        return
    start, end = point.source.span(value)
    text = f'cast("{spelling.text}", {point.source.text[start:end]})'
    if spelling.text.isidentifier():
        text = f"cast({spelling.text}, {point.source.text[start:end]})"
    yield point.way("a cast", _CAST, Edit(start, end, text), names=(*spelling.names, ("typing", "cast")))


RULES = (
    (r'Incompatible return value type \(got "(?P<got>.+)", expected "(?P<want>.+)"\)', converted),
    (r'Argument \S+ to .* has incompatible type "(?P<got>.+)"; expected "(?P<want>.+)"', converted),
    (
        r'Incompatible types in assignment \(expression has type "(?P<got>.+)", \w+ has type "(?P<want>.+)"\)',
        converted,
    ),
    (r'^Type "(?P<got>.+?)" is not assignable to (?:return|declared) type "(?P<want>.+?)"', converted),
    (r'Argument of type "(?P<got>.+?)" cannot be assigned to parameter "\w+" of type "(?P<want>.+?)"', converted),
    (r'Returning Any from function declared to return "(?P<want>.+)"', returned_any),
    (r"No overload variant of ", booleans),
    (r'Invalid index type "(?P<got>.+)" for ".+"; expected type "(?P<want>.+)"', indexed),
)
