"""Which Python functions a change touches, read from the syntax trees. Pure."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping

from llm.fixers.python_search.ingredients import rows_of

Texts = Mapping[str, str | None]
"""Path → text; None where there is no such file."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PROPERTY = ("setter", "deleter")
_CASES = (ast.If, ast.IfExp, ast.While, ast.Compare, ast.BoolOp, ast.Dict, ast.Try, ast.Subscript, ast.match_case)


def watched(before: Texts, versions: Iterable[Texts]) -> dict[str, tuple[str, ...]]:
    """Path → qualified names of the functions in which some version differs from `before`.

    Where something outside of functions differs (a constant, an import), all functions of the module.
    """
    found: dict[str, set[str]] = {}
    for version in versions:
        for path, text in version.items():
            old = before.get(path)
            if path.endswith(".py") and old is not None and text is not None:
                found.setdefault(path, set()).update(_differing(old, text))
    return {path: tuple(sorted(names)) for path, names in sorted(found.items()) if names}


def adds_a_case(before: Texts, version: Texts) -> bool:
    """Whether a version decides or looks up in more places than the original: what special-casing needs."""
    return _cases(version) > _cases({path: before.get(path) for path in version})


def adds_constants(before: Texts, version: Texts) -> frozenset[str]:
    """The constants (as `repr` shows them) that a version has and the original has not."""
    return _constants(version) - _constants({path: before.get(path) for path in version})


def adds_rows(before: Texts, version: Texts) -> frozenset[str]:
    """The rows, in words, that a version has outside of functions and the original has not.

    A row is at least two constants side by side, one of them a text.
    """
    return _rows(_tables(version)) - _rows(_tables({path: before.get(path) for path in version}))


def constants_in(texts: Iterable[str]) -> frozenset[str]:
    """The constants (as `repr` shows them) that say something: none that stand in most programs."""
    nodes = (node for text in texts if (tree := _parse(text)) for node in ast.walk(tree))
    return frozenset(repr(n.value) for n in nodes if isinstance(n, ast.Constant) and _tells(n.value))


def without(before: Texts, version: Texts, quoted: frozenset[str]) -> Texts | None:
    """A version with others in place of the constants that it took from the tests; None where it took none."""
    taken = quoted & adds_constants(before, version)
    if not taken:
        return None
    told = {path: _parse(text) if text and path.endswith(".py") else None for path, text in version.items()}
    return {
        path: ast.unparse(ast.fix_missing_locations(_Others(taken).visit(tree))) if tree else version[path]
        for path, tree in told.items()
    }


class _Others(ast.NodeTransformer):
    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if repr(node.value) not in self._taken:
            return node
        match node.value:
            case str(text):
                return ast.Constant(text + "\x01")
            case bytes(data):
                return ast.Constant(data + b"\x01")
            case number if isinstance(number, int | float | complex):
                return ast.Constant(number + 1_000_003)
        return node


def _tells(value: object) -> bool:
    return isinstance(value, int | float | complex | str | bytes) and value not in (0, 1, -1, "", b"")


def rows_in(texts: Iterable[str]) -> frozenset[str]:
    """The rows, in words, that stand anywhere in these texts."""
    return _rows(node for text in texts if (tree := _parse(text)) for node in ast.walk(tree))


def _tables(texts: Texts) -> Iterator[ast.AST]:
    """All that is written out of functions."""
    pending: list[ast.AST] = list(trees(texts))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _Function | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def _rows(nodes: Iterable[ast.AST]) -> frozenset[str]:
    rows = (row for node in nodes for row in rows_of(node))
    return frozenset(
        f"({', '.join(map(repr, row))})"
        for row in rows
        if len(row) > 1 and any(isinstance(each, str) and len(each) > 1 for each in row)
    )


def classes(texts: Texts) -> frozenset[str]:
    """The names of all classes in the files."""
    return frozenset(n.name for tree in trees(texts) for n in ast.walk(tree) if isinstance(n, ast.ClassDef))


def _differing(old: str, new: str) -> set[str]:
    one, two = _parse(old), _parse(new)
    if one is None or two is None:
        return set()
    before, after = _dumped(one), _dumped(two)
    if _rest(one) != _rest(two):
        return set(before)
    return {name for name, said in before.items() if said != after.get(name)}


def _dumped(tree: ast.Module) -> dict[str, list[str]]:
    """Name → all functions that are written under it: one in each branch of a condition, overloads."""
    found: dict[str, list[str]] = {}
    for name, node in _functions(tree.body):
        found.setdefault(name, []).append(ast.dump(node))
    return found


def _functions(body: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, _Function]]:
    """Functions of the module and of its classes with their qualified names; not those inside functions."""
    for node in body:
        if isinstance(node, _Function):
            ways = [each.attr for each in node.decorator_list if isinstance(each, ast.Attribute)]
            yield ".".join([prefix + node.name, *(way for way in ways if way in _PROPERTY)]), node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(node, field, ()), prefix)


def _rest(tree: ast.Module) -> str:
    """The module without its functions."""

    class Without(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

    return ast.dump(Without().visit(ast.parse(ast.unparse(tree))))


def _cases(texts: Texts) -> int:
    return sum(isinstance(node, _CASES) for tree in trees(texts) for node in ast.walk(tree))


def _constants(texts: Texts) -> frozenset[str]:
    nodes = (node for tree in trees(texts) for node in ast.walk(tree))
    return frozenset(repr(node.value) for node in nodes if isinstance(node, ast.Constant))


def trees(texts: Texts) -> Iterator[ast.Module]:
    for path, text in texts.items():
        tree = _parse(text) if text is not None and path.endswith(".py") else None
        if tree is not None:
            yield tree


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
