"""Edits of one constant. Each takes a site and a node and yields edits, the likeliest with weight 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.site import Site


def change_constant(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """Numbers beside it, the other truth value, other constants of the function."""
    value = node.value
    if isinstance(value, bool):
        yield site.replace_raw(node, str(not value))
        yield site.replace_raw(node, "None", 0.1)
    elif isinstance(value, int | float):
        near = (value + 1, value - 1, 0, 1, value + 2, value - 2, -value, 2, 10)
        for rank, new in enumerate(dict.fromkeys(near)):
            text = f"({new})" if new < 0 and _in_power(site, node) else str(new)
            if new != value and not _neutral(site, node, new):
                yield site.replace_raw(node, text, 1 - 0.08 * rank)
    elif value is None:
        for rank, text in enumerate(("[]", "0", "''", "{}", "False", "True")):
            yield site.replace_raw(node, text, 0.5 - 0.05 * rank)
    yield from _other_constants(site, node)


def _neutral(site: Site, node: ast.expr, value: float) -> bool:
    """`x + 0`, `x * 1`: leaving out the operand says the same more plainly."""
    parent = site.parent(node)
    if not isinstance(parent, ast.BinOp):
        return False
    sums = isinstance(parent.op, ast.Add | ast.Sub)
    return value == 0 if sums else value == 1


def _in_power(site: Site, node: ast.expr) -> bool:
    parent = site.parent(node)
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and parent.left is node


def _other_constants(site: Site, node: ast.Constant) -> Iterator[Edit]:
    for text in site.scope.constants:
        if type(ast.literal_eval(text)) is type(node.value) and text != repr(node.value):
            yield site.replace_raw(node, text, 0.4)


def change_string(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """A string emptied, spaced, in another case, with the ends or one repeated letter corrected."""
    value = node.value
    if not isinstance(value, str) or "\n" in value or len(value) > 60:
        return
    edited = {"": 0.8, " ": 0.6, value.lower(): 1.0, value.upper(): 1.0, value.strip(): 0.9, value + " ": 0.5}
    edited |= {" " + value: 0.5, value.capitalize(): 0.6, value[:-1]: 0.5, value[1:]: 0.5, value[::-1]: 0.3}
    for n, char in enumerate(value[:30]):
        for new in _beside(char):
            edited.setdefault(value[:n] + new + value[n + 1 :], 0.3)
        edited.setdefault(value[:n] + value[n + 1 :], 0.2)
    for text, weight in edited.items():
        if text != value:
            yield site.replace_raw(node, repr(text), weight)


def _beside(char: str) -> str:
    pairs = "()", "[]", "{}", "<>", "+-", "-_", ",;", ".,", "/\\", "\"'"
    other_case = char.swapcase() if char.isalpha() else ""
    return "".join(p.replace(char, "", 1) for p in pairs if char in p) + other_case
