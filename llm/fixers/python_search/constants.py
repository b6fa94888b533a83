"""Edits of one constant. Each takes a site and a node and yields edits, the likeliest with weight 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import SequenceMatcher

from llm.fixers.python_search.edits import Edit, quoted
from llm.fixers.python_search.site import Site


def change_constant(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """Numbers beside it, the other truth value, other constants of the function."""
    value = node.value
    if isinstance(value, bool):
        yield site.replace_raw(node, str(not value))
        yield site.replace_raw(node, "None", 0.1)
        share = 0.2 if _ends_by_return(site, node) else 1.0
        for name in site.scope.locals:
            for rank, text in enumerate((name, f"not {name}", f"{name} == 0", f"{name} > 0")):
                yield site.replace(node, text, share * (0.5 - 0.08 * rank))
    elif isinstance(value, int | float):
        near = (value + 1, value - 1, 0, 1, value + 2, value - 2, -value, 2, 10)
        for rank, new in enumerate(dict.fromkeys(near)):
            text = f"({new})" if new < 0 and _in_power(site, node) else str(new)
            if new != value and not _neutral(site, node, new) and not (new == -value and _is_term(site, node)):
                yield site.replace_raw(node, text, 1 - 0.08 * rank)
    elif value is None:
        for rank, text in enumerate(("[]", "0", "''", "{}", "False", "True")):
            yield site.replace_raw(node, text, 0.5 - 0.05 * rank)
    yield from _other_constants(site, node)


def _ends_by_return(site: Site, node: ast.Constant) -> bool:
    """Whether it keeps a loop going that ends the function, and only by a value that is returned."""
    loop = site.parent(node)
    last = site.function.body[-1] if site.function else None
    if not isinstance(loop, ast.While) or loop is not last:
        return False
    return any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(loop))


def _neutral(site: Site, node: ast.expr, value: float) -> bool:
    """`x + 0`, `x * 1`: leaving out the operand says the same more plainly."""
    parent = site.parent(node)
    if not isinstance(parent, ast.BinOp):
        return False
    sums = isinstance(parent.op, ast.Add | ast.Sub)
    return value == 0 if sums else value == 1


def _is_term(site: Site, node: ast.expr) -> bool:
    """`x - 3` for `x + -3`: swapping the operator says the same more plainly."""
    parent = site.parent(node)
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub) and parent.right is node


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
    edited |= dict.fromkeys((word for word in site.scope.words.every if _near(value, word)), 0.9)
    edited |= {" " + value: 0.5, value.capitalize(): 0.6, value[:-1]: 0.5, value[1:]: 0.5, value[::-1]: 0.3}
    for n, char in enumerate(value[:30]):
        for new in _beside(char):
            edited.setdefault(value[:n] + new + value[n + 1 :], 0.3)
        edited.setdefault(value[:n] + value[n + 1 :], 0.2)
    for text, weight in edited.items():
        if text != value:
            yield site.replace_raw(node, quoted(text, site.text(node)), weight)


def _beside(char: str) -> str:
    groups = "()", "[]", "{}", "<>", "([{<", ")]}>", "+-", "-_ ", ",;:.", "/\\|", "\"'`", "?!."
    other_case = char.swapcase() if char.isalpha() else ""
    return "".join(dict.fromkeys("".join(g.replace(char, "", 1) for g in groups if char in g))) + other_case


def _near(value: str, word: str) -> bool:
    """Whether two words differ by a letter or two, of several."""
    if value == word or min(len(value), len(word)) < 3 or abs(len(value) - len(word)) > 2:
        return False
    same = SequenceMatcher(None, value, word, autojunk=False).ratio()
    return same >= 0.7


def change_everywhere(site: Site, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    """A constant that stands at several places, changed at all of them; each truth value that is returned."""
    places: dict[str, list[ast.Constant]] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and not isinstance(site.parent(each), ast.Expr | ast.JoinedStr):
            places.setdefault(repr(each.value), []).append(each)
    for found in places.values():
        if len(found) > 1 and type(found[0].value) in (int, str):
            for text, weight in _others(found[0].value, site.text(found[0])).items():
                yield site.replace_all(_in_order(found), [text] * len(found), weight)
    returned = [each for name in ("True", "False") for each in places.get(name, ())]
    returned = _in_order([each for each in returned if isinstance(site.parent(each), ast.Return)])
    if len(returned) > 1:
        yield site.replace_all(returned, [str(not each.value) for each in returned])


def _in_order(nodes: list[ast.Constant]) -> list[ast.Constant]:
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _others(value: object, like: str) -> dict[str, float]:
    if isinstance(value, str):
        texts = {"": 1.0, " ": 0.8, value.strip(): 0.8, value.lower(): 0.7, value.upper(): 0.7}
        return {quoted(text, like): weight for text, weight in texts.items() if text != value}
    assert isinstance(value, int)
    return {str(value + 1): 0.8, str(value - 1): 0.8, "0": 0.4, "1": 0.4}
