"""A value that may be None, or one of several types, where the code wants one of them: guards."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_types.code import Point, Way, before, first_of, stable

Found = dict[str, str]
_ASSERT, _CONDITION, _RAISE, _NAMED, _ISINSTANCE = 0.57, 0.46, 0.42, 0.56, 0.5
_TRIED_TYPES = ("str", "list", "dict", "bytes", "int", "tuple", "set")
_EAGER = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.If, ast.With, ast.For, ast.Raise)
_LATE = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


def member_of_none(point: Point, found: Found) -> Iterator[Way]:
    """`x.attr` where `x` may be None."""
    for node in point.header():
        if isinstance(node, ast.Attribute) and node.attr == found["attr"]:
            yield from _not_none(point, node.value)


def part_of_none(point: Point, found: Found) -> Iterator[Way]:
    """`x[…]`, `x(…)`, `for … in x`, `x + …` where `x` may be None."""
    for node in point.header():
        for value in _needed(node):
            yield from _not_none(point, value)


def value_of_none(point: Point, found: Found) -> Iterator[Way]:
    """An argument, a returned or assigned value that may be None and must not."""
    if "None" not in found.get("got", "None"):
        return
    for value in [*values(point), *_inside_arguments(point)]:
        yield from _not_none(point, value)


def member_of_union(point: Point, found: Found) -> Iterator[Way]:
    """`x.attr` where only some of the types that `x` may have know it."""
    for node in point.header():
        if isinstance(node, ast.Attribute) and node.attr == found["attr"] and stable(node.value):
            for kind in _knowing(point, found):
                yield from _asserted(point, node.value, kind)


def some_argument_of_none(point: Point, found: Found) -> Iterator[Way]:
    """No overload fits: it may be that an argument is None."""
    for value in _inside_arguments(point):
        yield from _not_none(point, value)


def values(point: Point) -> Iterator[ast.expr]:
    """The expression at the place; what the statement there returns or assigns."""
    if point.expressions and not isinstance(point.statement, ast.Assign | ast.Return):
        yield point.expressions[0]
    match point.statement:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value):
            yield value
        case ast.AnnAssign(value=ast.expr() as value):
            yield value
    if point.expressions:
        yield point.expressions[0]


def _inside_arguments(point: Point) -> Iterator[ast.expr]:
    for node in point.header():
        if isinstance(node, ast.Call):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)


def _needed(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case (
            ast.Subscript(value=value)
            | ast.For(iter=value)
            | ast.comprehension(iter=value)
            | ast.Starred(value=value)
        ):
            yield value
        case ast.Call(func=value, args=arguments):
            yield value
            yield from arguments
        case ast.BinOp(left=left, right=right):
            yield from (left, right)
        case ast.Compare(left=left, comparators=others):
            yield from (left, *others)
        case ast.AugAssign(target=target, value=value):
            yield from (target, value)
        case ast.UnaryOp(operand=value):
            yield value


def _not_none(point: Point, value: ast.expr) -> Iterator[Way]:
    """A guard before the statement; for what is not a mere name, the value gets a name first."""
    statement = point.statement
    if statement is None or isinstance(value, ast.Constant):
        return
    if not stable(value):
        yield from _named_first(point, statement, value)
        return
    text = point.source.segment(value)
    asserted = before(point.source, statement, f"assert {text} is not None")
    if asserted:
        yield point.way(f"assert {text} is not None", _ASSERT, asserted)
    yield from _in_condition(point, statement, value, text)
    unit = "    " if "\t" not in point.source.indent(statement) else "\t"
    body = (
        f"if {text} is None:{point.source.newline}{point.source.indent(first_of(point.source, statement))}{unit}"
    )
    raised = before(point.source, statement, f'{body}raise ValueError("{text} is None")')
    if raised and not isinstance(point.source.parents.get(value), ast.Lambda):
        yield point.way(f"raise where {text} is None", _RAISE, raised)


def _in_condition(point: Point, statement: ast.stmt, value: ast.expr, text: str) -> Iterator[Way]:
    """`if x.y:` → `if x is not None and x.y:`."""
    test = getattr(statement, "test", None)
    if not isinstance(statement, ast.If | ast.While) or test is None or value not in ast.walk(test):
        return
    start, end = point.source.span(test)
    inner = point.source.text[start:end]
    loose = isinstance(test, ast.Lambda | ast.IfExp | ast.NamedExpr) or (
        isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)
    )
    edit = Edit(start, end, f"{text} is not None and {f'({inner})' if loose else inner}")
    yield point.way(f"ask whether {text} is None first", _CONDITION, edit)


def _named_first(point: Point, statement: ast.stmt, value: ast.expr) -> Iterator[Way]:
    """`f().x` → `name = f()`, an assertion, `name.x`: only where `f()` is evaluated first and always."""
    between = [n for n in point.source.ancestors(value) if isinstance(n, _LATE)]
    if not isinstance(value, ast.Call | ast.Subscript | ast.Await) or not isinstance(statement, _EAGER) or between:
        return
    if getattr(statement, "value", None) is value and isinstance(statement, ast.Assign | ast.AnnAssign):
        yield from _after(point, statement)
        return
    name = _fresh(point, value)
    lines = [f"{name} = {point.source.segment(value)}", f"assert {name} is not None"]
    gap = point.source.newline + point.source.indent(first_of(point.source, statement))
    edit = before(point.source, statement, gap.join(lines))
    if edit and first_of(point.source, statement) is statement:
        yield point.way(f"name {name}, which is not None", _NAMED, edit, Edit(*point.source.span(value), name))


def _after(point: Point, statement: ast.Assign | ast.AnnAssign) -> Iterator[Way]:
    """`x = f()` into a variable that must not be None: the value under another name first."""
    value = statement.value
    assert value is not None
    name = _fresh(point, value)
    lines = [f"{name} = {point.source.segment(value)}", f"assert {name} is not None"]
    edit = before(point.source, statement, (point.source.newline + point.source.indent(statement)).join(lines))
    if edit:
        yield point.way(f"name {name}, which is not None", _NAMED, edit, Edit(*point.source.span(value), name))


def _fresh(point: Point, value: ast.expr) -> str:
    """A name for a value that nothing in the file has yet: after what is called or looked into."""
    inner: ast.AST = value
    while isinstance(inner, ast.Call | ast.Subscript | ast.Await):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    last = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "value")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower().strip("_").removeprefix("get_")
    name = words if words and words != last and not hasattr(builtins, words) else f"{words}_value"
    while re.search(rf"\b{name}\b", point.source.text):
        name += "_"
    return name


def _knowing(point: Point, found: Found) -> Iterator[str]:
    """Members of the union that no complaint names, then built-in types that have the attribute."""
    attribute = found["attr"]
    complained = [d for d in point.fellows if d.path == point.path and d.line == point.diagnostic.line]
    without = {
        m[1] for d in complained if (m := re.match(rf'Item "(.+?)" of .* attribute "{attribute}"', d.message))
    }
    members = [m.strip() for m in re.split(r"\s\|\s(?![^\[]*\])", found["whole"])]
    plain = [re.sub(r"\[.*\]$", "", m) for m in members if m not in without and m != "None"]
    yield from (m for m in plain if m.isidentifier() and m != "Any")
    yield from (name for name in _TRIED_TYPES if hasattr(getattr(builtins, name), attribute) and name not in plain)


def _asserted(point: Point, value: ast.expr, kind: str) -> Iterator[Way]:
    text = f"isinstance({point.source.segment(value)}, {kind})"
    edit = before(point.source, point.statement, f"assert {text}") if point.statement else None
    if edit:
        yield point.way(f"assert {text}", _ISINSTANCE, edit)


RULES = (
    (r'Item "None" of ".+" has no attribute "(?P<attr>\w+)"', member_of_none),
    (r'"(?P<attr>\w+)" is not a known attribute of "None"', member_of_none),
    (r'"None" has no attribute "(?P<attr>\w+)"', member_of_none),
    (r'Item ".+?" of "(?P<whole>.+)" has no attribute "(?P<attr>\w+)"', member_of_union),
    (r'Value of type ".*\bNone\b.*" is not indexable|Object of type "None" is not subscriptable', part_of_none),
    (r'Unsupported (?:left )?operand.*\bNone\b|Operator ".+" not supported for "None"', part_of_none),
    (r'"None" not callable|Object of type "None" cannot be|None.* has no attribute "__iter__"', part_of_none),
    (r'Argument .+ has incompatible type "(?P<got>.*\bNone\b.*)"; expected', value_of_none),
    (r'Incompatible return value type \(got "(?P<got>.*\bNone\b.*)", expected', value_of_none),
    (r'Incompatible types in assignment \(expression has type "(?P<got>.*\| None)", variable', value_of_none),
    (r'"None" is not assignable to', value_of_none),
    (r'Invalid index type ".*\bNone\b.*" for', part_of_none),
    (r"No overload variant of .* matches argument types? .*\bNone\b", some_argument_of_none),
)
