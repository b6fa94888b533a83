"""Code that a change puts where it runs and no type checker reads it, without a mark that says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

_OLDEST = (3, 9)
"""A branch for anything older is read by no checker of today."""
_CHECKING = ("TYPE_CHECKING", "MYPY")


def hides(path: str, before: bytes | None, after: bytes | None) -> str:
    """The function that was read before and is not now, or ""."""
    if not path.endswith((".py", ".pyi")) or before is None or after is None:
        return ""
    try:
        old, new = ast.parse(before), ast.parse(after)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    read = {node.name for node in ast.walk(old) if isinstance(node, _FUNCTIONS)} - set(_unread(old))
    return next((name for name in _unread(new) if name in read), "")


def covers(path: str, after: Mapping[str, bytes | None], workspace: Path) -> str:
    """The source that a new stub file would be read in place of, or ""."""
    if not path.endswith(".pyi") or after.get(path) is None or (workspace / path).exists():
        return ""
    source = path.removesuffix("i")
    there = after[source] is not None if source in after else (workspace / source).is_file()
    return source if there else ""


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _unread(tree: ast.Module) -> Iterator[str]:
    """The functions in branches that are passed over, and those of which the rest is, after a claim that fails."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            for statement in _passed_over(node):
                yield from (each.name for each in ast.walk(statement) if isinstance(each, _FUNCTIONS))
        elif isinstance(node, _FUNCTIONS) and any(map(_fails, node.body[:-1])):
            yield node.name


def _passed_over(branch: ast.If) -> list[ast.stmt]:
    match branch.test:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _CHECKING:
            return branch.orelse
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _CHECKING:
            return branch.body
        case ast.Constant(value=value):
            return branch.orelse if value else branch.body
        case ast.Compare(
            left=ast.Attribute(attr="version_info"), ops=[ast.Lt()], comparators=[ast.Tuple() as limit]
        ):
            return branch.body if ast.unparse(limit) in _OLD_VERSIONS else []
    return []


_OLD_VERSIONS = frozenset(
    [
        *(f"({major},)" for major in (2, 3)),
        *(f"({major}, {minor})" for major in (2, 3) for minor in range(_OLDEST[1] + 1)),
    ]
)


def _fails(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assert(test=ast.Constant(value=value)):
            return not value
    return False
