"""Functions: missing annotations and returns, signatures that do not fit their base class or their calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_types.annotations import spelled, widened
from llm.fixers.python_types.code import Function, Point, Way
from llm.fixers.python_types.declarations import of_parameter, parameters

Found = dict[str, str]
_SURE, _LIKELY, _POSSIBLE, _ANY = 0.8, 0.55, 0.4, 0.12
_BY_DUNDER = {
    **{"__init__": "None", "__str__": "str", "__repr__": "str", "__len__": "int", "__hash__": "int"},
    **{"__bool__": "bool", "__eq__": "bool", "__contains__": "bool", "__exit__": "None", "__format__": "str"},
}


def untyped(point: Point, found: Found) -> Iterator[Way]:
    """A function without annotations: what its body and defaults tell, `Any` for what they do not."""
    function = point.function
    if function is None:
        return
    edits: list[Edit] = []
    names: list[tuple[str, str]] = []
    guessed = False
    for arg, default in parameters(function):
        if arg.annotation is not None or _is_receiver(point.source, function, arg):
            continue
        said = _of_default(default)
        spelling = spelled(point.code, point.source, said or "Any")
        declared = of_parameter(point.source, function, arg.arg)
        way = declared.annotated(spelling, "", 0.0) if declared and spelling else None
        if way and spelling:
            edits += [edit for _, edit in way.edits]
            names += spelling.names
            guessed = guessed or not said
    for returns in [""] if function.returns else _return_types(point, function):
        arrow = [_arrow(point.source, function, returns)] if returns else []
        more = (("typing", "Any"),) if returns == "Any" else ()
        prior = _ANY if guessed or returns == "Any" else _LIKELY
        yield point.way("annotations", prior, *edits, *arrow, names=(*names, *more))


def _is_receiver(source: Source, function: Function, arg: ast.arg) -> bool:
    in_class = isinstance(source.parents.get(function), ast.ClassDef)
    first = next((a for a, _ in parameters(function)), None)
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    return in_class and arg is first and not static


def _of_default(default: ast.expr | None) -> str:
    match default:
        case ast.Constant(value=None):
            return "Any | None"
        case ast.Constant(value=value):
            return type(value).__name__
    return ""


def _return_types(point: Point, function: Function) -> list[str]:
    """Likely first; every one is tried."""
    if function.name in _BY_DUNDER:
        return [_BY_DUNDER[function.name]]
    returned = [n.value for n in _own(function) if isinstance(n, ast.Return) and n.value is not None]
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in _own(function)):
        return ["Any"]
    if not returned or all(isinstance(v, ast.Constant) and v.value is None for v in returned):
        return ["None"]
    kinds = list(dict.fromkeys(_kind(value) for value in returned))
    return [" | ".join(kinds), "Any"] if all(kinds) and len(kinds) < 3 else ["str", "bool", "int", "Any"]


def _kind(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=constant):
            return "None" if constant is None else type(constant).__name__
        case ast.JoinedStr():
            return "str"
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "bool"
    return ""


def _own(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function but those of functions in it."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(node)


def _arrow(source: Source, function: Function, text: str) -> Edit:
    """Put ` -> text` between a function's brackets and its colon."""
    start = source.offset(function.lineno, function.col_offset)
    end, _ = source.span(function.body[0])
    last = [source.span(arg)[1] for arg, _ in parameters(function)]
    last += [source.span(default)[1] for _, default in parameters(function) if default]
    at = source.text.index(")", max(last, default=start), end) + 1
    return Edit(at, at, f" -> {text}")


def no_return(point: Point, found: Found) -> Iterator[Way]:
    """A function that may end without its value: `return None`, and the annotation says so."""
    function = point.function
    if function is None or function.returns is None:
        return
    last = function.body[-1]
    _, end = point.source.line_span(last)
    lead = "" if point.source.text[end - 1 : end] == "\n" else point.source.newline
    line = Edit(end, end, f"{lead}{point.source.indent(last)}return None{point.source.newline}")
    spelling = widened(point.code, point.source, function.returns, "None")
    if spelling:
        edit = Edit(*point.source.span(function.returns), spelling.text)
        yield point.way("return None, as the annotation now says", _LIKELY, line, edit, names=spelling.names)
        yield point.way("the annotation says None too", _POSSIBLE, edit, names=spelling.names)
    yield point.way("return None", _POSSIBLE, line)
    nothing = Edit(*point.source.span(function.returns), "None")
    yield point.way("it returns None", _POSSIBLE, nothing)


def like_base(point: Point, found: Found) -> Iterator[Way]:
    """An override: the type that the base class has, for the return or for one argument."""
    function = point.function
    if function is None:
        return
    place = function.returns
    if found.get("which"):
        own = [arg for arg, _ in parameters(function) if arg.arg not in ("self", "cls")]
        number = int(found["which"]) - 1
        place = own[number].annotation if number < len(own) else None
    spelling = spelled(point.code, point.source, found["want"])
    if place is not None and spelling is not None:
        edit = Edit(*point.source.span(place), spelling.text)
        yield point.way(f"{spelling.text} as in the base class", _LIKELY, edit, names=spelling.names)


def same_signature(point: Point, found: Found) -> Iterator[Way]:
    """An override with other parameters than the base's: the base's."""
    function = point.function
    if function is None:
        return
    for source, owner in point.code.classes(found["base"]):
        for base in owner.body:
            if isinstance(base, Function) and base.name == function.name:
                yield point.way(
                    "the base class's parameters", _LIKELY, _copied(point.source, function, source, base)
                )


def _copied(source: Source, function: Function, base_source: Source, base: Function) -> Edit:
    return Edit(*_brackets(source, function), base_source.text[slice(*_brackets(base_source, base))])


def _brackets(source: Source, function: Function) -> tuple[int, int]:
    """From the first parameter to the last one's end."""
    start = source.text.index("(", source.offset(function.lineno, function.col_offset)) + 1
    return start, _arrow(source, function, "").start - 1


def missing_argument(point: Point, found: Found) -> Iterator[Way]:
    """A call lacks an argument: a name in scope that is called like it, or None as the parameter's default."""
    name = found["name"]
    for call in _calls(point, found["function"]):
        _, end = point.source.span(call)
        comma = ", " if call.args or call.keywords else ""
        yield point.way(f"pass {name}", _LIKELY, Edit(end - 1, end - 1, f"{comma}{name}={name}"))
    for source, function in point.code.functions(found["function"]):
        declared = of_parameter(source, function, name)
        if declared and declared.annotation and isinstance(declared.node, ast.arg):
            spelling = widened(point.code, source, declared.annotation, "None")
            text = spelling.text if spelling else source.segment(declared.annotation)
            names = tuple((source.path, m, n) for m, n in spelling.names) if spelling else ()
            edit = Edit(*source.span(declared.annotation), f"{text} = None")
            yield Way(f"{name} may be left out", _POSSIBLE - 0.1, ((source.path, edit),), names)


def too_many(point: Point, found: Found) -> Iterator[Way]:
    """A call gives more than the function takes: without the last argument."""
    for call in _calls(point, found["function"]):
        given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if given:
            start, end = point.source.span(given[-1])
            start = point.source.span(given[-2])[1] if len(given) > 1 else start
            yield point.way("without the last argument", _POSSIBLE, Edit(start, end, ""))


def _calls(point: Point, function: str) -> Iterator[ast.Call]:
    for node in point.header():
        if isinstance(node, ast.Call) and function in (getattr(node.func, n, "") for n in ("id", "attr")):
            yield node


def new_of_class(point: Point, found: Found) -> Iterator[Way]:
    """`__new__` returns an instance of its class."""
    function = point.function
    owner = point.source.parents.get(function) if function else None
    if function and function.returns and isinstance(owner, ast.ClassDef):
        quoted = owner.name if point.path.endswith(".pyi") else f'"{owner.name}"'
        edit = Edit(*point.source.span(function.returns), quoted)
        yield point.way(f"__new__ returns {owner.name}", _SURE, edit)


_CALL = r'(?:in call to|for) "(?P<function>\w+)"'
RULES = (
    (r"Function is missing a (?:return )?type annotation", untyped),
    (r"Missing return statement|Function with declared return type .+ must return value", no_return),
    (r'Return type ".+" of "\w+" incompatible with return type "(?P<want>.+)" in supertype', like_base),
    (
        r'Argument (?P<which>\d+) of "\w+" is incompatible with supertype ".+"; supertype defines the argument '
        r'type as "(?P<want>.+)"',
        like_base,
    ),
    (r'Signature of "\w+" incompatible with supertype "(?P<base>\w+)"', same_signature),
    (r'Missing (?:positional|named) arguments? "(?P<name>\w+)".* ' + _CALL, missing_argument),
    (r"Too many (?:positional )?arguments " + _CALL, too_many),
    (r'"__new__" must return a class instance', new_of_class),
)
