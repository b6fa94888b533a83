"""What edits are made of: names in scope, and APIs that stand beside each other."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from llm.fixers.python_search.edits import Source, parsed

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


_SHORTEST, _LONGEST, _MOST_WORDS, _MOST_ROWS, _MOST_ATTRIBUTES = 3, 30, 300, 20, 12
_EVERY = ("number", "str", "list", "set", "dict", "bool")
_MANY = ("str", "list", "set", "dict")
TAKES = MappingProxyType(
    dict.fromkeys((".lower()", ".upper()", ".strip()", ".swapcase()", ".split()"), ("str",))
    | dict.fromkeys((".items()", ".values()", ".keys()"), ("dict",))
    | dict.fromkeys(("[::-1]", "[0]", "[-1]", "[1:]", "[:-1]"), ("str", "list"))
    | dict.fromkeys(("sorted", "len", "set", "list", "tuple", "any", "all", "reversed"), _MANY)
    | dict.fromkeys(("sum", "max", "min"), ("list", "set", "dict"))
    | dict.fromkeys(("abs", "round", "bin"), ("number",))
    | {".copy()": ("list", "set", "dict"), "int": ("number", "str", "bool"), "float": ("number", "str")}
)
"""What is called on a value, or around it → the kinds of values that it suits. What is not here suits all."""

_MADE_BY = MappingProxyType(
    dict.fromkeys(("list", "sorted", "split", "range", "deque", "findall", "splitlines"), "list")
    | dict.fromkeys(("set", "frozenset", "union", "intersection", "difference"), "set")
    | dict.fromkeys(("dict", "Counter", "defaultdict", "OrderedDict"), "dict")
    | dict.fromkeys(("len", "sum", "int", "float", "abs", "round", "ord", "count", "index", "find"), "number")
    | dict.fromkeys(("str", "lower", "upper", "strip", "join", "replace", "chr", "bin", "format"), "str")
    | dict.fromkeys(("any", "all", "bool", "startswith", "endswith", "isdigit", "isalpha"), "bool")
)
_USED_AS = MappingProxyType(
    {"append": "list", "extend": "list", "insert": "list", "add": "set", "keys": "dict", "values": "dict"}
    | dict.fromkeys(("lower", "upper", "strip", "split", "startswith", "endswith", "isdigit"), "str")
)


_LACKS = (
    (re.compile(r"unhashable type: '(\w+)'"), "__hash__"),
    (re.compile(r"'(\w+)' object is not iterable"), "__iter__"),
    (re.compile(r"object of type '(\w+)' has no len\(\)"), "__len__"),
    (re.compile(r"'(\w+)' object is not subscriptable"), "__getitem__"),
    (re.compile(r"argument of type '(\w+)' is not iterable"), "__contains__"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The short strings in the texts of tests: names of things that the program may have misspelt or forgotten.

    `asked` are those of `every` that the name of a failing test has in it; they come first. `rows` are the tuples,
    lists and arguments of strings alone, one of them asked for. `lacking` are the special methods that the tests
    ran into, each as (class, method).
    """

    every: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()
    lacking: frozenset[tuple[str, str]] = frozenset()


def words_of(tests: Iterable[str], failing: Iterable[str] = (), said: Iterable[str] = ()) -> Words:
    """The words of these texts of tests; `failing` are the names of tests, `said` what they failed with."""
    trees = [source.tree for source in (parsed("", text) for text in tests) if source]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = dict.fromkeys(word for node in nodes if (word := _word(node)))
    names = "\n".join(failing)
    asked = frozenset(word for word in found if word in names)
    rows = dict.fromkeys(row for node in nodes for row in rows_of(node) if _is_asked(row, asked))
    every = sorted(found, key=lambda word: word not in asked)
    lacking = ((pattern.search(text), method) for text in said for pattern, method in _LACKS)
    return Words(
        every=tuple(every[:_MOST_WORDS]),
        asked=asked,
        rows=tuple(rows)[:_MOST_ROWS],
        lacking=frozenset((match[1], method) for match, method in lacking if match),
    )


def _word(node: ast.AST) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and _SHORTEST <= len(value) <= _LONGEST else ""


def _is_asked(row: tuple[object, ...], asked: frozenset[str]) -> bool:
    words = all(isinstance(each, str) and _SHORTEST <= len(each) <= _LONGEST for each in row)
    return words and not asked.isdisjoint(row)


def rows_of(node: ast.AST) -> Iterator[tuple[Any, ...]]:
    """What is written out side by side, constants alone: the elements of a tuple or list, arguments, a key and
    its value, the arguments of a call and what that equals."""
    rows: list[list[ast.expr]] = []
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Call(args=parts, keywords=[]):
            rows = [parts]
        case ast.Dict(keys=keys, values=values):
            rows = [[key, value] for key, value in zip(keys, values, strict=True) if key]
        case ast.Compare(left=ast.Call(args=asked), ops=[ast.Eq()], comparators=[told]):
            rows = [[*asked, told]]
    for parts in rows:
        constants = [part.value for part in parts if isinstance(part, ast.Constant)]
        if constants and len(constants) == len(parts):
            yield tuple(constants)


@lru_cache(maxsize=64)
def strings_in(source: Source) -> frozenset[str]:
    """All strings that a file writes out."""
    constants = (node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))


@lru_cache(maxsize=64)
def attributes_in(source: Source) -> tuple[str, ...]:
    """The attributes that a file reads of anything but `self`, those most often read first; no methods."""
    nodes = (node for node in ast.walk(source.tree) if isinstance(node, ast.Attribute))
    called = {node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    read = (
        n.attr for n in nodes if n not in called and not (isinstance(n.value, ast.Name) and n.value.id == "self")
    )
    return tuple(name for name, _ in Counter(read).most_common(_MOST_ATTRIBUTES))


@lru_cache(maxsize=64)
def exceptions_of(source: Source) -> tuple[str, ...]:
    """The exceptions that a file defines or imports, by their names."""
    imports = (n for n in source.tree.body if isinstance(n, ast.Import | ast.ImportFrom))
    names = (*_defined(source.tree), *(alias.asname or alias.name for each in imports for alias in each.names))
    return tuple(name for name in names if name.endswith(("Error", "Exception")) and name.isidentifier())


NO_WORDS = Words()


class Scope:
    """The names that a statement of one function can use, nearest kind first, and of what kind they are.

    `words` are strings of the tests: what a misspelt one may have meant. `reads` counts how often the outermost
    function around reads a name; `idle` are the names of empty collections that nothing in it ever fills.
    """

    def __init__(
        self,
        source: Source,
        function: ast.FunctionDef | ast.AsyncFunctionDef | None,
        words: Words = NO_WORDS,
    ) -> None:
        self.words = words
        around = _around(source, function)
        self.kinds = {name: kind for each in reversed(around) for name, kind in _kinds(each).items()}
        self.parameters = _parameters(function) if function else ()
        self.locals = tuple(
            dict.fromkeys(name for each in around for name in (*_parameters(each), *bound_names(each)))
        )
        self.attributes = _self_attributes(source, function)
        self.globals = _module_names(source.tree)
        self.functions = _defined(source.tree)
        self.constants = _constants(function or source.tree)
        self.bound = frozenset(name for each in around for name in bound_names(each))
        self.reads = _reads(around[-1]) if around else Counter[str]()
        self.idle = _idle(around[-1]) if around else frozenset[str]()

    def kind(self, node: ast.expr) -> str | None:
        """The kind of an expression's value, where it can be told."""
        return self.kinds.get(node.id) if isinstance(node, ast.Name) else _kind_of(node)


def _around(
    source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef | None
) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    """A function and those that it is defined in, whose names it sees too; from the inside."""
    if function is None:
        return ()
    outer = (p for p in source.ancestors(function) if isinstance(p, ast.FunctionDef | ast.AsyncFunctionDef))
    return (function, *outer)


def _kinds(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """Name → kind, from annotations, from what is assigned, and from the methods that are called on it."""
    found: dict[str, str] = {}
    for node in ast.walk(function):
        match node:
            case ast.arg(annotation=annotation) if annotation is not None:
                found.setdefault(node.arg, _annotated(annotation) or "")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, _kind_of(value) or "")
            case ast.AugAssign(target=ast.Name(id=name), value=ast.Constant(value=int() | float())):
                found.setdefault(name, "number")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _USED_AS:
                found.setdefault(name, _USED_AS[attr])
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"))):
                found.setdefault(name, "number")
    return {name: kind for name, kind in found.items() if kind}


def _annotated(annotation: ast.expr) -> str | None:
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    name = base.id.lower() if isinstance(base, ast.Name) else ""
    return {"int": "number", "float": "number"}.get(name) or (name if name in _EVERY else None)


def _kind_of(value: ast.expr) -> str | None:
    match value:
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Compare() | ast.Constant(value=bool()):
            return "bool"
        case ast.Constant(value=int() | float()):
            return "number"
        case ast.Constant(value=str()) | ast.JoinedStr():
            return "str"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return _MADE_BY.get(name)
        case ast.BinOp(op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Pow()):
            return "number"
    return None


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    a = function.args
    extra = [x for x in (a.vararg, a.kwarg) if x]
    return tuple(x.arg for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, *extra] if x.arg not in ("self", "cls"))


def bound_names(node: ast.AST) -> tuple[str, ...]:
    """The names that are given a value anywhere in it, in order."""
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return tuple(dict.fromkeys(names))


def _reads(function: ast.AST) -> Counter[str]:
    names = (n for n in ast.walk(function) if isinstance(n, ast.Name))
    return Counter(n.id for n in names if isinstance(n.ctx, ast.Load))


def _idle(function: ast.AST) -> frozenset[str]:
    nodes = tuple(ast.walk(function))
    empty, used = set[str](), Counter[str]()
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[]) | ast.Call(args=[])):
                empty.add(name)
            case ast.Attribute(value=ast.Name(id=name)) | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                used[name] += 1
            case ast.AugAssign(target=ast.Name(id=name)) | ast.Call(args=[ast.Name(id=name), *_]):
                used[name] += 1
    return frozenset(name for name in empty if not used[name])


def _self_attributes(source: Source, function: ast.AST | None) -> tuple[str, ...]:
    around = source.ancestors(function) if function else ()
    owner = next((p for p in around if isinstance(p, ast.ClassDef)), None)
    if owner is None:
        return ()
    return tuple(dict.fromkeys(n.attr for n in attributes_of_self(owner)))


def attributes_of_self(owner: ast.ClassDef) -> Iterator[ast.Attribute]:
    """Each place where a class reads, stores or calls something of `self`."""
    for node in ast.walk(owner):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node


def _defined(tree: ast.Module) -> tuple[str, ...]:
    return tuple(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef))


def _module_names(tree: ast.Module) -> tuple[str, ...]:
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            names += bound_names(node)
    return tuple(dict.fromkeys(names))


def _constants(node: ast.AST) -> tuple[str, ...]:
    """Texts of numbers and strings used nearby."""
    found = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    plain = (repr(v) for v in found if isinstance(v, int | float | str) and len(repr(v)) <= 20)
    return tuple(dict.fromkeys(plain))
