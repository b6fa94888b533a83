"""Statements that were forgotten: guards, returns, steps, calls. Each takes a site and a node and yields edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.ingredients import bound_names
from llm.fixers.python_search.site import Site
from llm.fixers.python_search.statements import first_of, neighbour

_UNIT = "    "
_FILLED_BY = {"list": ("append",), "set": ("add",)}


def guard(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """`if not x: return …` (or `continue` in a loop) before a statement."""
    if site.function is None or isinstance(node, ast.Global | ast.Nonlocal | ast.Pass):
        return
    first = node is first_of(site.function)
    names = site.scope.parameters if first else _names_in(node)
    for name in names[:6]:
        for condition, weight in ((f"not {name}", 1.0), (f"{name} is None", 0.9), (f"{name} < 0", 0.5)):
            for outcome, share in _outcomes(site, node, name):
                edit = site.line_before(
                    node, (f"if {condition}:", f"{_unit(site)}{outcome}"), weight * share * (1.0 if first else 0.5)
                )
                if edit:
                    yield edit


def _names_in(node: ast.stmt) -> tuple[str, ...]:
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return tuple(dict.fromkeys(names))


def _unit(site: Site) -> str:
    """One step of the file's indentation."""
    return site.source.step(site.function) if site.function else _UNIT


def _outcomes(site: Site, node: ast.stmt, name: str) -> list[tuple[str, float]]:
    assert site.function is not None
    returned = [n.value for n in ast.walk(site.function) if isinstance(n, ast.Return) and n.value]
    known = dict.fromkeys(site.text(v) for v in returned if isinstance(v, ast.Constant | ast.List | ast.Name))
    plain = ("[]", "0", "None", "''", "False", "True", name, "{}", "0.0", "1", "-1")
    outcomes = [(f"return {text}", 1.0) for text in known]
    outcomes += [(f"return {text}", 0.7 - 0.04 * rank) for rank, text in enumerate(plain) if text not in known]
    if any(isinstance(p, ast.For | ast.While) for p in site.source.ancestors(node)):
        outcomes = [("continue", 1.0), ("break", 0.8), *((text, 0.6 * w) for text, w in outcomes[:5])]
    return outcomes


def add_return(site: Site, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    """A `return` at the end of a function that has none there."""
    last = node.body[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return
    if isinstance(last, ast.Expr) and site.source.alone_on_lines(last):
        yield site.replace_raw(last, f"return {site.text(last)}")
    inner = Site(site.source, site.scope, node)
    for name in dict.fromkeys((*bound_names(node), "False", "True", "self")):
        if edit := inner.line_after(last, (f"return {name}",), 0.8):
            yield edit


def duplicate(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """The same simple statement once more, below the next one."""
    after = neighbour(site, node, 1)
    if after is not None and (edit := site.line_after(after, (site.text(node),))):
        yield edit


def insert_step(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """`x += 1` after a statement in a loop, for the names that the function counts with."""
    in_loop = any(isinstance(p, ast.For | ast.While) for p in site.source.ancestors(node))
    if in_loop and isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        for name in site.scope.locals[:8]:
            for step in (f"{name} += 1", f"{name} -= 1"):
                if edit := site.line_after(node, (step,)):
                    yield edit


def insert_call(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """`items.append(x)`, `seen.add(x)` after a statement, for the collections that the function fills."""
    if site.function is None:
        return
    filled = [(name, call) for name, kind in site.scope.kinds.items() for call in _FILLED_BY.get(kind, ())]
    for name, call in filled:
        share = 1.0 if name in site.scope.idle else 0.5
        for other in (*_names_in(node), *(n for n in site.scope.locals if n not in _names_in(node))):
            if other != name:
                for put, weight in ((site.line_after, 1.0), (site.line_before, 0.9)):
                    if edit := put(node, (f"{name}.{call}({other})",), share * weight):
                        yield edit


def insert_assignment(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """`a = b` after a statement, for two names that the function stores to."""
    stored = [name for name in site.scope.locals if name in bound_names(site.function)] if site.function else []
    for one, two in permutations(stored[:6], 2):
        kinds = site.scope.kinds.get(one), site.scope.kinds.get(two)
        if None in kinds or kinds[0] == kinds[1]:
            for put, weight in ((site.line_after, 1.0), (site.line_before, 0.8)):
                if edit := put(node, (f"{one} = {two}",), weight):
                    yield edit


def only_if(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """A statement that is done only under a condition: one of the function's, or how two names compare."""
    if site.function is None or not site.source.alone_on_lines(node):
        return
    known = (site.text(n) for n in ast.walk(site.function) if isinstance(n, ast.Compare))
    conditions = {text: 0.7 for text in known if "\n" not in text}
    nearby = [name for name in dict.fromkeys((*_names_in(node), *site.scope.locals)) if name in site.scope.locals][
        :5
    ]
    for rank, (one, two) in enumerate(permutations(nearby, 2)):
        conditions |= {f"{one} {op} {two}": w - 0.03 * rank for op, w in (("==", 1.0), ("!=", 0.8), (">", 0.6))}
    conditions |= dict.fromkeys(nearby, 0.6) | {f"not {name}": 0.6 for name in nearby}
    start, end = site.source.line_span(node)
    indent, newline, unit = site.source.indent(node), site.source.newline, _unit(site)
    body = "".join(unit + line for line in site.source.text[start:end].splitlines(keepends=True))
    for condition, weight in conditions.items():
        yield Edit(start, end, f"{indent}if {condition}:{newline}{body}", max(weight, 0.1))


def else_nothing(site: Site, node: ast.If) -> Iterator[Edit]:
    """An `else:` for an `if` that has none: leave the loop, go on, or return what the function returns."""
    if node.orelse or site.function is None or not site.source.alone_on_lines(node.body[-1]):
        return
    loop = any(isinstance(p, ast.For | ast.While) for p in site.source.ancestors(node))
    lines = ["break", "continue"] if loop else []
    lines += [f"return {name}" for name in (*site.scope.locals[:4], "False", "True")]
    lines += [f"{name} = 0" for name in bound_names(site.function) if site.scope.kinds.get(name) == "number"]
    for rank, line in enumerate(lines):
        if edit := site.line_after(node, ("else:", _unit(site) + line), 1.0 - 0.05 * rank):
            yield edit
