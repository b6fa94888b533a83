"""What edits are made of: names in scope, and APIs that stand beside each other."""

from __future__ import annotations

import ast
from functools import lru_cache
from types import MappingProxyType

from llm.fixers.python_search.edits import Source

_FAMILIES = (
    "append extend add insert",
    "add update discard remove",
    "pop popleft popitem remove",
    "append appendleft",
    "any all",
    "min max sum len",
    "sum len max",
    "floor ceil round trunc",
    "lower upper swapcase capitalize title casefold",
    "islower isupper isalpha isdigit isalnum isnumeric istitle",
    "startswith endswith",
    "find rfind index rindex",
    "split rsplit splitlines partition rpartition",
    "strip lstrip rstrip",
    "ljust rjust center",
    "keys values items",
    "get setdefault pop",
    "union intersection difference symmetric_difference",
    "issubset issuperset isdisjoint",
    "list tuple set sorted",
    "int float round str",
    "str repr",
    "range enumerate",
    "zip zip_longest",
    "sorted reversed list set",
    "isinstance issubclass",
    "dict OrderedDict defaultdict",
    "sqrt exp log pow",
    "sin cos tan",
    "log log2 log10",
    "heappush heappop heapify",
    "encode decode",
    "dumps dump",
    "loads load",
    "read readline readlines",
    "match search fullmatch findall",
    "exists is_file is_dir",
    "sort reverse",
    "bin oct hex",
    "ord chr",
    "days seconds total_seconds",
    "mean median mode",
)


@lru_cache(maxsize=1)
def siblings() -> MappingProxyType[str, tuple[str, ...]]:
    """Name of a function or method → the ones that people confuse it with."""
    table: dict[str, dict[str, None]] = {}
    for family in _FAMILIES:
        names = family.split()
        for name in names:
            table.setdefault(name, {}).update({other: None for other in names if other != name})
    return MappingProxyType({name: tuple(others) for name, others in table.items()})


class Scope:
    """The names that a statement of one function can use, nearest kind first."""

    def __init__(self, source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> None:
        self.parameters = _parameters(function) if function else ()
        self.locals = tuple(dict.fromkeys((*self.parameters, *(_bound(function) if function else ()))))
        self.attributes = _self_attributes(source, function)
        self.globals = _module_names(source.tree)
        self.functions = tuple(n.name for n in source.tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef))
        self.constants = _constants(function or source.tree)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    a = function.args
    extra = [x for x in (a.vararg, a.kwarg) if x]
    return tuple(x.arg for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, *extra] if x.arg not in ("self", "cls"))


def _bound(function: ast.AST) -> tuple[str, ...]:
    names = (n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return tuple(dict.fromkeys(names))


def _self_attributes(source: Source, function: ast.AST | None) -> tuple[str, ...]:
    around = source.ancestors(function) if function else ()
    owner = next((p for p in around if isinstance(p, ast.ClassDef)), None)
    if owner is None:
        return ()
    found = (
        n.attr
        for n in ast.walk(owner)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self"
    )
    return tuple(dict.fromkeys(found))


def _module_names(tree: ast.Module) -> tuple[str, ...]:
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            names += _bound(node)
    return tuple(dict.fromkeys(names))


def _constants(node: ast.AST) -> tuple[str, ...]:
    """Texts of numbers and strings used nearby."""
    found = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    plain = (repr(v) for v in found if isinstance(v, int | float | str) and len(repr(v)) <= 20)
    return tuple(dict.fromkeys(plain))
