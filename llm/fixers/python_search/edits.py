"""Edits of Python text by the spans of its syntax tree: what lies outside an edit keeps every byte."""

from __future__ import annotations

import ast
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from llm.domain import Candidate
from llm.fixers.python_search import suites
from llm.workspace.diff import make_diff

Spanned = ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias
"""Nodes that have a place in the text."""

_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete)
_HEADED = (ast.If, ast.While, ast.For, ast.With)
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace characters `start`…`end` of one file by `text`. `weight` is 0…1 within its template."""

    start: int
    end: int
    text: str
    weight: float = 1.0

    def apply(self, source: str) -> str:
        """The edited source."""
        return source[: self.start] + self.text + source[self.end :]

    def then(self, later: Edit, edited: str) -> Edit:
        """This edit and one of the text that it makes, as one edit of the unchanged text."""
        longer = len(self.text) - (self.end - self.start)
        start, end = min(self.start, later.start), max(self.start + len(self.text), later.end)
        text = edited[start : later.start] + later.text + edited[later.end : end]
        return Edit(start, end - longer, text)


class Source:
    """One Python file, parsed: nodes by span, parent and statement. SyntaxError if it does not parse.

    A byte order mark is no part of the program, and no edit stands before it.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        body = text.removeprefix("\ufeff")
        self.tree = ast.parse(body)
        self._lines = _split_like_python(body)
        self._starts = [len(text) - len(body)]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Child → parent."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def offset(self, line: int, column: int) -> int:
        """Character offset of a line (from 1) and a UTF-8 byte column (from 0), as `ast` gives them."""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self._starts[line - 1] + column

    def span(self, node: Spanned) -> tuple[int, int]:
        """Start and end offset of a node; a statement's span has its decorators."""
        first: Spanned = node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.decorator_list:
            first = node.decorator_list[0]
        start = self.offset(first.lineno, first.col_offset)
        if first is not node:
            start = self.text.rindex("@", 0, start)
        assert node.end_lineno is not None and node.end_col_offset is not None
        return start, self.offset(node.end_lineno, node.end_col_offset)

    def segment(self, node: Spanned) -> str:
        """The node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_span(self, node: ast.stmt) -> tuple[int, int]:
        """The whole lines of a statement, its line end included."""
        start, _ = self.span(node)
        assert node.end_lineno is not None
        first = max(self.text.rfind("\n", 0, start) + 1, self._starts[0])
        return first, self._starts[node.end_lineno]

    def alone_on_lines(self, node: ast.stmt) -> bool:
        """Whether nothing else but a comment shares the statement's lines."""
        start, end = self.span(node)
        first, last = self.line_span(node)
        after = self.text[end:last].lstrip(" \t\\")[:1]
        return not self.text[first:start].strip() and after in ("", "\n", "#", "\r")

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement's first line."""
        first, _ = self.line_span(node)
        found = _INDENT.match(self.text, first)
        return found.group() if found else ""

    def step(self, block: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
        """The white space that a block's statements have more than its head."""
        return self.indent(block.body[0]).removeprefix(self.indent(block))

    @cached_property
    def newline(self) -> str:
        """The file's line end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parents, from the nearest outwards."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function whose body holds a node."""
        for parent in self.ancestors(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                return parent
        return None

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The nearest statement that is or holds a node."""
        if isinstance(node, ast.stmt):
            return node
        return next((p for p in self.ancestors(node) if isinstance(p, ast.stmt)), None)

    def identity(self, edit: Edit) -> str | None:
        """What the edited program means, as a key: equal for the same tree. None if it does not parse.

        Only what is around the edit is parsed again: a simple statement or the head of a compound one, else some
        statements of the innermost block that the edit leaves a block. The rest of the file is as it was.
        """
        unit = self._unit(edit)
        if unit is not None:
            return _identity(_closed(self.text[unit[0] : unit[1]]), _closed(self._after(edit, *unit)), unit[0])
        for suite in suites.around(self._suites, edit.start, edit.end):
            first, last, start, end = suite.touched(edit.start, edit.end)
            changed = suite.changed(first, last, self._after(edit, start, end))
            if changed is not None:
                return hashlib.sha256(changed.encode()).hexdigest() if changed else None
        return None

    def _after(self, edit: Edit, start: int, end: int) -> str:
        return self.text[start : edit.start] + edit.text + self.text[edit.end : end]

    def _unit(self, edit: Edit) -> tuple[int, int] | None:
        """The span of the simple statement or compound head that holds an edit without new lines."""
        if "\n" in edit.text or "\r" in edit.text:
            return None
        at = bisect_right(self._units, (edit.start, len(self.text))) - 1
        unit = self._units[at] if at >= 0 else None
        return unit if unit and edit.end <= unit[1] else None

    @cached_property
    def _units(self) -> list[tuple[int, int]]:
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, (*_SIMPLE, *_HEADED)))
        return sorted(unit for node in nodes if (unit := self._unit_of(node)))

    def _unit_of(self, node: ast.stmt) -> tuple[int, int] | None:
        start, end = self.span(node)
        if not isinstance(node, _HEADED):
            return start, end
        below = self.line_span(node.body[0])[0]
        return (start, below) if below > start else None

    @cached_property
    def _suites(self) -> list[suites.Suite]:
        return suites.suites_of(self.tree, self.text, self.line_span)


def _closed(text: str) -> str:
    """A compound statement's head as a whole statement; a simple statement as it is."""
    if not text.endswith(("\n", "\r")):
        return text
    return ("if 0: pass\n" if text.startswith("elif") else "") + text + " pass"


@lru_cache(maxsize=64)
def _dumped(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return None


def _identity(before: str, after: str, start: int) -> str | None:
    dumped = _dumped(after)
    if dumped is None or dumped == _dumped(before):
        return None
    return hashlib.sha256(f"at {start}:{dumped}".encode()).hexdigest()


def _split_like_python(text: str) -> list[str]:
    """Lines as the parser counts them: ended by \\n, \\r\\n or \\r only."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)


def parsed(path: str, text: str) -> Source | None:
    """The parsed file, or None where it is not valid Python (for this interpreter)."""
    try:
        return Source(path, text)
    except (SyntaxError, ValueError):
        return None


def candidate_of(path: str, before: str, after: str, origin: str, prior: float) -> Candidate:
    """A candidate that changes one file."""
    return Candidate(diff=make_diff({path: before}, {path: after}), origin=origin, prior=prior)


def quoted(text: str, like: str) -> str:
    """A string literal with the quotation marks of another one, and as raw as that, where that is possible."""
    raw = like[:1] in "rR" and like[1:2] * 3 != like[1:4]
    if raw and like[1:2] not in text and "\n" not in text and not text.endswith("\\"):
        return like[:2] + text + like[1:2]
    literal = repr(text)
    plain = literal[0] == "'" and '"' not in literal
    return f'"{literal[1:-1]}"' if like.startswith('"') and plain else literal
