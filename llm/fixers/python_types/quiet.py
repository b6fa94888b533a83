"""Whether a change is one that only a type checker sees: annotations, casts, and the imports that they need."""

from __future__ import annotations

import ast
from collections.abc import Mapping

_FOR_TYPES = ("typing", "typing_extensions", "collections.abc", "types")


def only_types(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether the changed files run as they did. Annotations in a class body count: a dataclass reads them."""
    return all(_running(before[path]) == _running(text) for path, text in after.items())


def _running(text: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(text.removeprefix("\ufeff"))))


class _Bare(ast.NodeTransformer):
    """The tree without what only a checker reads."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [n if isinstance(n, ast.AnnAssign) else self.visit(n) for n in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.Assign([self.visit(node.target)], self.visit(node.value))

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return ast.Assign([self.visit(target) for target in node.targets], self.visit(node.value))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module in _FOR_TYPES and node.level == 0 else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
                inner: ast.AST = self.visit(value)
                return inner
        return self.generic_visit(node)
