"""A place in a file where templates make edits: the source, the names in scope, and how text is put in."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from llm.fixers.python_search.edits import Edit, Source, Spanned
from llm.fixers.python_search.ingredients import TAKES, Scope

_ATOMS = (
    ast.Name,
    ast.Constant,
    ast.Call,
    ast.Attribute,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
)
_OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp)
_BINDS_TIGHTLY = (*_OPERATIONS, ast.Attribute, ast.Subscript, ast.Await, ast.Starred)


@dataclass(frozen=True, slots=True)
class Site:
    """One function (or the module's own code) of a source."""

    source: Source
    scope: Scope
    function: ast.FunctionDef | ast.AsyncFunctionDef | None

    def text(self, node: Spanned) -> str:
        """A node's own text."""
        return self.source.segment(node)

    def atom(self, node: ast.expr) -> str:
        """A node's text that can stand beside any operator."""
        text = self.text(node)
        bare = isinstance(node, _ATOMS) or (isinstance(node, ast.Tuple) and text.startswith("("))
        return text if bare else f"({text})"

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node's parent."""
        return self.source.parents.get(node)

    def fits(self, node: ast.expr, call: str) -> float:
        """How well a call suits a node: 1, or less where the node's kind is known and is another."""
        kind = self.scope.kind(node)
        return 1.0 if kind is None or kind in TAKES.get(call, (kind,)) else 0.2

    def replace(self, node: ast.expr, text: str, weight: float = 1.0) -> Edit:
        """Put an expression in a node's place, in parentheses where its surroundings could take it apart."""
        start, end = self.source.span(node)
        parent = self.parent(node)
        tight = isinstance(parent, _BINDS_TIGHTLY) or (isinstance(parent, ast.Call) and parent.func is node)
        simple = text.replace("_", "a").replace(".", "a").isalnum() or text[:1] in "'\""
        in_index = isinstance(parent, ast.Subscript) and parent.slice is node
        return Edit(start, end, f"({text})" if tight and not simple and not in_index else text, weight)

    def replace_raw(self, node: Spanned, text: str, weight: float = 1.0) -> Edit:
        """Put text in a node's place as it is."""
        start, end = self.source.span(node)
        return Edit(start, end, text, weight)

    def replace_all(self, nodes: Sequence[Spanned], texts: Sequence[str], weight: float = 1.0) -> Edit:
        """Put texts in the places of several nodes, which stand in the order of the file."""
        spans = [self.source.span(node) for node in nodes]
        gaps = [self.source.text[one[1] : two[0]] for one, two in pairwise(spans)]
        text = "".join(text + gap for text, gap in zip(texts, [*gaps, ""], strict=True))
        return Edit(spans[0][0], spans[-1][1], text, weight)

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str, weight: float) -> Edit | None:
        """Replace an operator between two operands."""
        start, end = self.source.span(left)[1], self.source.span(right)[0]
        at = self.source.text.find(old, start, end)
        return None if at < 0 else Edit(at, at + len(old), new, weight)

    def line_before(self, node: ast.stmt, lines: tuple[str, ...], weight: float = 1.0) -> Edit | None:
        """Insert statement lines above a statement, at its indentation."""
        if not self.source.alone_on_lines(node):
            return None
        start, _ = self.source.line_span(node)
        return Edit(start, start, self._lines(self.source.indent(node), lines), weight)

    def line_after(self, node: ast.stmt, lines: tuple[str, ...], weight: float = 1.0) -> Edit | None:
        """Insert statement lines below a statement, at its indentation."""
        if not self.source.alone_on_lines(node):
            return None
        _, end = self.source.line_span(node)
        lead = "" if self.source.text[end - 1 : end] in "\r\n" else self.source.newline
        return Edit(end, end, lead + self._lines(self.source.indent(node), lines), weight)

    def _lines(self, indent: str, lines: tuple[str, ...]) -> str:
        return "".join(f"{indent if line else ''}{line}{self.source.newline}" for line in lines)


def is_callee(site: Site, node: ast.expr) -> bool:
    """Whether a node is stored to, called, or the value of a keyword: no place for another expression."""
    parent = site.parent(node)
    stored = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    return stored or (isinstance(parent, ast.Call) and parent.func is node) or isinstance(parent, ast.keyword)
