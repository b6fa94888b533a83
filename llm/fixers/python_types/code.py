"""The workspace's Python as it stands after some edits, and the place in it that a complaint points at."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from llm.domain import Diagnostic
from llm.fixers.python_search.edits import Edit, Source, parsed

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PYTHON = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer a complaint: edits as (path, edit), and names to import as (path, module, name)."""

    said: str
    prior: float
    edits: tuple[tuple[str, Edit], ...]
    names: tuple[tuple[str, str, str], ...] = ()


class Code:
    """Texts by path. Each text is parsed once, however many `Code`s share the `cache`."""

    def __init__(self, texts: Mapping[str, str], cache: dict[tuple[str, str], Source | None]) -> None:
        self.texts = texts
        self._cache = cache

    def source(self, path: str) -> Source | None:
        """The parsed file, or None where it is none or does not parse."""
        text = self.texts.get(path)
        if text is None or not path.endswith(_PYTHON):
            return None
        if (path, text) not in self._cache:
            self._cache[path, text] = parsed(path, text)
        return self._cache[path, text]

    def with_texts(self, changed: Mapping[str, str]) -> Code:
        """The same with some texts replaced."""
        return Code({**self.texts, **changed}, self._cache)

    def holding(self, word: str) -> Iterator[Source]:
        """The parsed Python files whose text has a word."""
        for path, text in self.texts.items():
            if word in text and path.endswith(_PYTHON):
                source = self.source(path)
                if source is not None:
                    yield source

    def functions(self, name: str) -> Iterator[tuple[Source, Function]]:
        """Functions and methods of a name; a class stands for its `__init__`."""
        for source in self.holding(name):
            for node in ast.walk(source.tree):
                if isinstance(node, Function) and node.name == name:
                    yield source, node
                elif isinstance(node, ast.ClassDef) and node.name == name:
                    yield from ((source, n) for n in node.body if isinstance(n, Function) and n.name == "__init__")

    def classes(self, name: str) -> Iterator[tuple[Source, ast.ClassDef]]:
        """Classes of a name."""
        for source in self.holding(f"class {name}"):
            for node in ast.walk(source.tree):
                if isinstance(node, ast.ClassDef) and node.name == name:
                    yield source, node


@dataclass(frozen=True)
class Point:
    """Where a complaint points: its file, and the nodes that begin there, the outermost first.

    `fellows` are all complaints of the same run; `ask` runs the checker with a way taken.
    """

    code: Code
    source: Source
    diagnostic: Diagnostic
    fellows: tuple[Diagnostic, ...] = ()
    ask: Callable[[Way], tuple[Diagnostic, ...] | None] = lambda way: None

    @property
    def path(self) -> str:
        return self.source.path

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """Expressions that begin at the complaint's line and column."""
        line, column = self.diagnostic.line, self.diagnostic.column - 1
        nodes = (n for n in ast.walk(self.source.tree) if isinstance(n, ast.expr))
        return tuple(n for n in nodes if (n.lineno, n.col_offset) == (line, column))

    @cached_property
    def statement(self) -> ast.stmt | None:
        """The statement that holds the place: the smallest whose header is there."""
        line = self.diagnostic.line
        holds = [n for n in ast.walk(self.source.tree) if isinstance(n, ast.stmt) and _header_holds(n, line)]
        return max(holds, key=lambda n: (n.lineno, n.col_offset), default=None)

    @cached_property
    def function(self) -> Function | None:
        """The function that the complaint is about, or in."""
        node = self.statement
        if isinstance(node, Function):
            return node
        return self.source.function(node) if node else None

    def header(self) -> Iterator[ast.AST]:
        """All nodes of the statement but those of statements inside it."""
        pending: list[ast.AST] = [self.statement] if self.statement else []
        while pending:
            node = pending.pop(0)
            yield node
            pending += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]

    def way(self, said: str, prior: float, *edits: Edit, names: Iterable[tuple[str, str]] = ()) -> Way:
        """A way that edits this file only."""
        imports = tuple((self.path, module, name) for module, name in names)
        return Way(said, prior, tuple((self.path, edit) for edit in edits), imports)


def _header_holds(node: ast.stmt, line: int) -> bool:
    """Whether a line belongs to the statement itself: decorators and body left out."""
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    end = node.end_lineno or node.lineno
    if body:
        end = max(node.lineno, body[0].lineno - 1)
    return node.lineno <= line <= end


def stable(node: ast.AST) -> bool:
    """Whether an expression is a name or attributes of one: the same value when it is read again."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def before(source: Source, statement: ast.stmt, line: str) -> Edit | None:
    """The edit that inserts one line before a statement, None where it shares its line with others."""
    at = first_of(source, statement)
    start, _ = source.line_span(at)
    if source.text[start : source.span(at)[0]].strip():
        return None
    return Edit(start, start, f"{source.indent(at)}{line}{source.newline}")


def first_of(source: Source, statement: ast.stmt) -> ast.stmt:
    """The statement itself, or for an `elif` the `if` that it belongs to."""
    parent = source.parents.get(statement)
    is_elif = source.text.startswith("elif", source.span(statement)[0])
    while is_elif and isinstance(parent, ast.If):
        statement, parent = parent, source.parents.get(parent)
        is_elif = source.text.startswith("elif", source.span(statement)[0])
    return statement
