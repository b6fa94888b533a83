"""What is merely in the way: marks and casts that nothing needs, doubled definitions, misspelt types."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_types.annotations import spelled
from llm.fixers.python_types.code import Function, Point, Way

Found = dict[str, str]
_SURE, _LIKELY, _POSSIBLE = 0.9, 0.7, 0.45
_MARK = re.compile(r"#\s*type:\s*ignore(?:\[(?P<codes>[^\]]*)\])?\s*(?P<rest>#.*)?", re.S)
_PYRIGHT_MARK = re.compile(r"#\s*pyright:\s*ignore(?:\[[^\]]*\])?\s*(?P<rest>#.*)?", re.S)
_MEANT = {"any": "Any", "callable": "Callable[..., Any]"}
_SINCE = {
    **{"importlib.metadata": 8, "importlib.resources": 7, "zoneinfo": 9, "tomllib": 11, "graphlib": 9},
    **{"typing.Protocol": 8, "typing.Literal": 8, "typing.Final": 8, "typing.TypedDict": 8, "typing.final": 8},
    **{"typing.runtime_checkable": 8, "typing.Annotated": 9, "typing.ParamSpec": 10, "typing.TypeAlias": 10},
    **{"typing.Concatenate": 10, "typing.TypeGuard": 10, "typing.Self": 11, "typing.Never": 11},
    **{"typing.Required": 11, "typing.NotRequired": 11, "typing.LiteralString": 11, "typing.Unpack": 11},
    **{"typing.assert_never": 11, "typing.override": 12, "functools.cached_property": 8, "functools.cache": 9},
    **{"enum.StrEnum": 11, "datetime.UTC": 11, "contextlib.chdir": 11, "itertools.pairwise": 10},
}
"""The minor version of Python 3 since which the standard library has a name."""


def unused_mark(point: Point, found: Found) -> Iterator[Way]:
    """A `type: ignore` that nothing needs: out, or without the codes that it does not need."""
    comment = _comment(point.source, point.diagnostic.line)
    if comment is None:
        return
    start, text = comment
    mark = _MARK.search(text) or _PYRIGHT_MARK.search(text)
    if mark is None:
        return
    unused = {c.strip() for c in found.get("codes", "").split(",") if c}
    has = [c.strip() for c in (mark.groupdict().get("codes") or "").split(",") if c.strip()]
    left = [c for c in has if c not in unused] if unused else []
    kept = f"# type: ignore[{', '.join(left)}]" if left else ""
    more = "  ".join(part for part in (kept, (mark["rest"] or "").strip()) if part)
    begin = start + mark.start()
    while not more and point.source.text[begin - 1] in " \t":
        begin -= 1
    yield point.way("without the mark", _SURE, Edit(begin, start + len(text), more))


def _comment(source: Source, line: int) -> tuple[int, str] | None:
    """The comment that ends a line, with its offset: of the statement's further lines too if this has none."""
    tokens = tokenize.generate_tokens(io.StringIO(source.text.removeprefix("\ufeff")).readline)
    for token in tokens:
        if token.type == tokenize.COMMENT and token.start[0] == line:
            text = token.string.rstrip()
            at = source.text.index(text, source.offset(line, 0))
            return at, text
    return None


def redundant_cast(point: Point, found: Found) -> Iterator[Way]:
    """`cast(T, x)` of an `x` that is a `T`."""
    for node in point.header():
        match node:
            case ast.Call(func=ast.Name(id="cast") | ast.Attribute(attr="cast"), args=[_, value]):
                edit = Edit(*point.source.span(node), point.source.segment(value))
                yield point.way("without the cast", _SURE, edit)


def meant_type(point: Point, found: Found) -> Iterator[Way]:
    """`any` and `callable` as types."""
    spelling = spelled(point.code, point.source, _MEANT[found["name"]])
    for node in ast.walk(point.source.tree):
        if not isinstance(node, ast.Name) or (node.id, node.lineno) != (found["name"], point.diagnostic.line):
            continue
        if spelling and not isinstance(point.source.parents.get(node), ast.Call):
            edit = Edit(*point.source.span(node), spelling.text)
            yield point.way(f"{spelling.text} instead of {node.id}", _SURE, edit, names=spelling.names)


def type_parameters(point: Point, found: Found) -> Iterator[Way]:
    """`dict` → `dict[str, Any]` where generics must say of what."""
    name = found["name"]
    inner = {
        "dict": "str, Any",
        "Dict": "str, Any",
        "Mapping": "str, Any",
        "tuple": "Any, ...",
        "Tuple": "Any, ...",
    }
    for node in _uses(point, name):
        for inside in dict.fromkeys((inner.get(name, "Any"), "Any", "Any, Any", "..., Any")):
            spelling = spelled(point.code, point.source, "Any")
            if spelling:
                _, end = point.source.span(node)
                edit = Edit(end, end, f"[{inside}]")
                yield point.way(f"{name}[{inside}]", _LIKELY, edit, names=spelling.names)


def _uses(point: Point, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(point.source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and node.lineno == point.diagnostic.line:
            parent = point.source.parents.get(node)
            if getattr(node, "id", getattr(node, "attr", "")) == name and not isinstance(parent, ast.Subscript):
                yield node


def doubled(point: Point, found: Found) -> Iterator[Way]:
    """A name defined twice: the earlier definition that the later one hides goes; a second annotation goes."""
    name, line = found["name"], int(found["line"])
    nodes = [n for n in ast.walk(point.source.tree) if isinstance(n, Function | ast.ClassDef) and n.name == name]
    earlier = [
        n for n in nodes if n.lineno <= line <= n.body[0].lineno or line in {d.lineno for d in n.decorator_list}
    ]
    later = [n for n in nodes if n.lineno > line]
    for node in earlier[:1] if later else []:
        same = ast.dump(ast.Module(list(node.body), [])) == ast.dump(ast.Module(list(later[0].body), []))
        start, end = point.source.line_span(node)
        while point.source.text[end : end + 1] == "\n":
            end += 1
        yield point.way(f"one definition of {name}", _SURE if same else _POSSIBLE, Edit(start, end, ""))
    if isinstance(point.statement, ast.AnnAssign) and point.statement.value is not None:
        edit = Edit(
            point.source.span(point.statement.target)[1], point.source.span(point.statement.annotation)[1], ""
        )
        yield point.way("annotated once", _LIKELY, edit)


def fallback_import(point: Point, found: Found) -> Iterator[Way]:
    """`try: import …` with a second import for old Pythons: the version is asked, which a checker understands."""
    for node in ast.walk(point.source.tree):
        if not isinstance(node, ast.Try) or len(node.handlers) != 1 or node.orelse or node.finalbody:
            continue
        first, second = node.body, node.handlers[0].body
        end = node.end_lineno or node.lineno
        if not node.lineno <= point.diagnostic.line <= end or not _only_imports(first):
            continue
        minor = max((_SINCE.get(thing, 0) for statement in first for thing in _imported(statement)), default=0)
        if minor:
            yield from _by_version(point, node, minor)
        elif _only_imports(second) and all(_of_library(statement) for statement in first):
            gap = point.source.newline + point.source.indent(node)
            text = gap.join(point.source.segment(statement) for statement in first)
            edit = Edit(*point.source.span(node), text)
            yield point.way("the import that every Python has", _LIKELY, edit)


def _by_version(point: Point, node: ast.Try, minor: int) -> Iterator[Way]:
    source = point.source
    start, _ = source.span(node)
    colon = source.text.index(":", start) + 1
    handler = node.handlers[0]
    begin = source.offset(handler.lineno, handler.col_offset)
    body, _ = source.span(handler.body[0])
    header = source.text[begin:body]
    after = header[header.index(":") :]
    test = Edit(start, colon, f"if sys.version_info >= (3, {minor}):")
    other = Edit(begin, body, f"else{after}")
    yield point.way(f"ask for Python 3.{minor}", _LIKELY, test, other, names=[("sys", "")])


def _only_imports(body: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)


def _imported(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield module
            yield from (f"{module}.{alias.name}" for alias in names)


def _of_library(node: ast.stmt) -> bool:
    return any(
        thing.startswith(("collections.abc", "urllib.", "io", "json", "unittest.mock"))
        for thing in _imported(node)
    )


def platform(point: Point, found: Found) -> Iterator[Way]:
    """`os.name == "nt"` says nothing to a checker; `sys.platform == "win32"` does."""
    for node in ast.walk(point.source.tree):
        match node:
            case ast.Compare(
                left=ast.Attribute(value=ast.Name(id="os"), attr="name"),
                ops=[ast.Eq() | ast.NotEq()],
                comparators=[ast.Constant(value="nt") as value],
            ):
                quote = point.source.segment(value)[0]
                left = Edit(*point.source.span(node.left), "sys.platform")
                right = Edit(*point.source.span(value), f"{quote}win32{quote}")
                yield point.way("ask sys.platform", _LIKELY, left, right, names=[("sys", "")])


RULES = (
    (
        r'Unused "type: ignore(?:\[(?P<codes>[^\]]*)\])?" comment|Unnecessary "# (?:type|pyright): ignore',
        unused_mark,
    ),
    (r'Redundant cast to|Unnecessary "cast" call', redundant_cast),
    (r'Function "builtins\.(?P<name>any|callable)" is not valid as a type', meant_type),
    (r'Missing type (?:parameters|arguments) for generic (?:type|class) "(?P<name>\w+)', type_parameters),
    (r'Expected type arguments for generic class "(?P<name>\w+)"', type_parameters),
    (r'Name "(?P<name>\w+)" already defined on line (?P<line>\d+)', doubled),
    (r'Name "(?P<name>\w+)" already defined \((?:possibly )?by an import\)', fallback_import),
    (r'Incompatible import of "(?P<name>\w+)"', fallback_import),
    (r'Module "[\w.]+" (?:does not explicitly export|has no) attribute "(?P<name>\w+)"', fallback_import),
    (r'Module has no attribute "(?P<name>\w+)"', platform),
)
