"""A declared type that is not what the code holds: the declaration is widened, replaced or given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_types.annotations import spelled, widened
from llm.fixers.python_types.code import Function, Point, Way
from llm.fixers.python_types.declarations import Declaration, declaration, of_parameter, parameters

Found = dict[str, str]
_OPTIONAL, _WIDE, _OTHER, _EXPECTED, _GUESS, _ANY = 0.8, 0.64, 0.6, 0.58, 0.35, 0.12
_EMPTY_TUPLE = "tuple[()]"


def default(point: Point, found: Found) -> Iterator[Way]:
    """`def f(x: int = None)` → `Optional[int]`."""
    for name in [found["name"]] if "name" in found else _parameters_with_default_at(point):
        for function in _functions_at(point, name):
            declared = of_parameter(point.source, function, name)
            if declared and declared.annotation:
                prior = _OPTIONAL if found["got"] == "None" else _WIDE
                yield from _wider(point, declared, found["got"], prior)


def assigned(point: Point, found: Found) -> Iterator[Way]:
    """A variable that is given a value of another type."""
    for target in targets(point):
        declared = declaration(point.source, target)
        if declared is None:
            continue
        yield from _redeclared(point, declared, found["want"], found["got"])


def inherited(point: Point, found: Found) -> Iterator[Way]:
    """A class attribute whose base class declares another type."""
    for _, owner in point.code.classes(found["base"]):
        for target in targets(point):
            name = getattr(target, "id", getattr(target, "attr", ""))
            for node in owner.body:
                if (
                    isinstance(node, ast.AnnAssign)
                    and isinstance(node.target, ast.Name)
                    and node.target.id == name
                ):
                    yield from _wider(
                        point, Declaration(_, node.target, node, node.annotation), found["got"], _WIDE
                    )


def returned(point: Point, found: Found) -> Iterator[Way]:
    """A function that returns what its annotation does not say."""
    function = point.function
    if function is None or function.returns is None:
        return
    declared = _returns(point, function)
    got = found["got"]
    several = sum(isinstance(n, ast.Return) for n in ast.walk(function)) > 1
    if got == "None" or several:
        yield from _wider(point, declared, got, _WIDE)
    yield from as_type(point, declared, got, _OTHER - 0.1 * several)
    yield from _wider(point, declared, got, _WIDE - 0.1)


def argument(point: Point, found: Found) -> Iterator[Way]:
    """An argument that the called function's annotation does not allow."""
    for source, function in point.code.functions(found["function"]):
        name = _parameter_of(function, found["which"])
        declared = of_parameter(source, function, name) if name else None
        if declared and declared.annotation:
            yield from _wider(point, declared, found["got"], _WIDE)
            yield from as_type(point, declared, found["got"], _GUESS)
    for value in point.expressions[:1]:
        declared = declaration(point.source, value)
        if declared:
            prior = _EXPECTED if declared.annotation is None else _GUESS
            yield from as_type(point, declared, found["want"], prior)
    yield from _callback(point, found)


def _callback(point: Point, found: Found) -> Iterator[Way]:
    """A function given as an argument: its parameters get the types that are expected of it."""
    got, want = _callable_parts(found["got"]), _callable_parts(found["want"])
    if not got or not want or len(got) != len(want):
        return
    for value in point.expressions[:1]:
        for source, function in point.code.functions(getattr(value, "id", getattr(value, "attr", ""))):
            own = [arg for arg, _ in parameters(function) if arg.arg not in ("self", "cls")]
            edits, names = [], []
            for arg, old, new in zip(own, got, want, strict=False):
                spelling = spelled(point.code, source, new) if old != new and arg.annotation else None
                if spelling and arg.annotation:
                    edits.append((source.path, Edit(*source.span(arg.annotation), spelling.text)))
                    names += [(source.path, module, name) for module, name in spelling.names]
            if edits:
                yield Way(f"parameters of {function.name} as expected", _WIDE, tuple(edits), tuple(names))


def _callable_parts(said: str) -> list[str]:
    """The parameter types of the first `Callable[[…], …]` in a checker's words."""
    try:
        tree = ast.parse(said, mode="eval")
    except SyntaxError:
        return []
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id="Callable"), slice=ast.Tuple(elts=[ast.List(elts=inner), _])):
                return [ast.unparse(part) for part in inner]
    return []


def loose(point: Point, found: Found) -> Iterator[Way]:
    """A variable whose inferred type is too narrow for what is done with it: declared by its first value."""
    for node in point.header():
        if isinstance(node, ast.Name | ast.Attribute):
            declared = declaration(point.source, node)
            if declared and declared.annotation is None:
                for said in _of_literal(declared.value):
                    yield from as_type(point, declared, said, _GUESS)


def entries(point: Point, found: Found) -> Iterator[Way]:
    """A literal with entries of several types."""
    for node in ast.walk(point.statement) if point.statement else ():
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        for target in targets:
            declared = declaration(point.source, target)
            for said in _of_literal(declared.value) if declared else ():
                assert declared is not None
                yield from as_type(point, declared, said, _GUESS)


def _redeclared(point: Point, declared: Declaration, want: str, got: str) -> Iterator[Way]:
    if declared.annotation is not None:
        yield from _wider(point, declared, got, _OPTIONAL if got == "None" else _WIDE)
        return
    if isinstance(declared.node, ast.arg):
        return
    if want == _EMPTY_TUPLE or (want.startswith("tuple[") and got.startswith("tuple[")):
        yield from as_type(point, declared, _any_length(want, got), _WIDE + 0.01)
    plain = re.sub(r" \| Any\b|\bAny \| ", "", got)
    yield from as_type(point, declared, plain, _OTHER)
    yield from as_type(point, declared, got, _OTHER - 0.02)
    yield from as_type(point, declared, f"{want} | {plain}" if want != "None" else f"{plain} | None", _WIDE)
    yield from as_type(point, declared, "Any", _ANY)


def _any_length(*tuples: str) -> str:
    members: dict[str, None] = {}
    for said in tuples:
        try:
            inner = getattr(ast.parse(said, mode="eval").body, "slice", None)
        except SyntaxError:
            return ""
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        members |= {ast.unparse(p): None for p in parts if isinstance(p, ast.expr)}
    members.pop("...", None)
    return f"tuple[{' | '.join(members)}, ...]"


def as_type(point: Point, declared: Declaration, said: str, prior: float) -> Iterator[Way]:
    """The declaration with a checker's words as its annotation."""
    spelling = spelled(point.code, declared.source, said)
    if spelling:
        yield from _one(declared.annotated(spelling, f"{_name(declared)}: {spelling.text}", prior))


def _wider(point: Point, declared: Declaration, extra: str, prior: float) -> Iterator[Way]:
    if declared.annotation is None:
        return
    spelling = widened(point.code, declared.source, declared.annotation, extra)
    if spelling:
        yield from _one(declared.annotated(spelling, f"{_name(declared)}: {spelling.text}", prior))


def _one(way: Way | None) -> Iterator[Way]:
    if way is not None:
        yield way


def _name(declared: Declaration) -> str:
    if isinstance(declared.node, Function):
        return f"{declared.node.name}() returns"
    return declared.target.arg if isinstance(declared.target, ast.arg) else ast.unparse(declared.target)


def _returns(point: Point, function: Function) -> Declaration:
    assert function.returns is not None
    return Declaration(point.source, function.returns, function, function.returns)


def _parameters_with_default_at(point: Point) -> Iterator[str]:
    """The parameter whose default stands at the place."""
    functions = (n for n in ast.walk(point.source.tree) if isinstance(n, Function))
    for arg, value in (pair for function in functions for pair in parameters(function)):
        if value is not None and value in point.expressions:
            yield arg.arg


def _functions_at(point: Point, parameter: str) -> Iterator[Function]:
    """The functions whose signature spans the place and has the parameter."""
    for node in ast.walk(point.source.tree):
        if not isinstance(node, Function) or not node.lineno <= point.diagnostic.line <= node.body[0].lineno:
            continue
        if any(arg.arg == parameter for arg, _ in parameters(node)):
            yield node


def targets(point: Point) -> Iterator[ast.expr]:
    """What the statement binds."""
    match point.statement:
        case ast.Assign(targets=bound):
            for target in bound:
                yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            yield target
        case ast.With(items=items):
            yield from (item.optional_vars for item in items if item.optional_vars)


def _parameter_of(function: Function, which: str) -> str:
    """The parameter that `Argument 2` or `Argument "name"` means."""
    named = which.strip('"')
    own = [arg.arg for arg, _ in parameters(function) if arg.arg not in ("self", "cls")]
    if not named.isdigit():
        return named if named in own else ""
    return own[int(named) - 1] if int(named) <= len(own) else ""


def _of_literal(value: ast.expr | None) -> Iterator[str]:
    match value:
        case ast.Dict():
            yield "dict[str, Any]"
            yield "dict[Any, Any]"
        case ast.List() | ast.ListComp():
            yield "list[Any]"
        case ast.Set():
            yield "set[Any]"
        case ast.Tuple():
            yield "tuple[Any, ...]"


_GOT_WANT = r'"(?P<got>.+)", (?:variable|target) has type "(?P<want>.+)"\)'
RULES = (
    (
        r'Incompatible default for (?:parameter|argument) "(?P<name>\w+)" \(default has type "(?P<got>.+)", ',
        default,
    ),
    (r'^Expression of type "(?P<got>.+?)" cannot be assigned to parameter of type', default),
    (r"Incompatible types in assignment \(expression has type " + _GOT_WANT, assigned),
    (r'expression has type "(?P<got>.+)", base class "(?P<base>\w+)" defined the type as', inherited),
    (r'Incompatible return value type \(got "(?P<got>.+)", expected "(?P<want>.+)"\)', returned),
    (r'^Type "(?P<got>.+?)" is not assignable to return type "(?P<want>.+?)"', returned),
    (r'^Type "(?P<got>.+?)" is not assignable to declared type "(?P<want>.+?)"', assigned),
    (
        r'Argument (?P<which>\S+) to "(?P<function>\w+)"(?: of ".+?")? has incompatible type "(?P<got>.+)"; '
        r'expected "(?P<want>.+)"',
        argument,
    ),
    (
        r'Argument of type "(?P<got>.+?)" cannot be assigned to parameter "(?P<which>\w+)" of type "(?P<want>.+?)"'
        r' in function "(?P<function>\w+)"',
        argument,
    ),
    (
        r'Value of type "(?:object|Collection|Sequence|Sized).*" is not indexable|Unsupported target for indexed',
        loose,
    ),
    (
        r'^"(?:object|Collection|Sequence|Sized).*" has no attribute|Invalid index type|Unsupported operand types',
        loose,
    ),
    (r"Dict entry \d+ has incompatible type|List item \d+ has incompatible type", entries),
)
