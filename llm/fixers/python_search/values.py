"""Edits of names and values. Each takes a site and a node and yields edits, the likeliest with weight 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.ingredients import attributes_in, exceptions_of
from llm.fixers.python_search.site import Site, is_callee

_EXCEPTIONS = (
    *("ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "AttributeError"),
    *("ZeroDivisionError", "RuntimeError", "OSError", "FileNotFoundError", "StopIteration", "Exception"),
)


def off_by_one(site: Site, node: ast.expr) -> Iterator[Edit]:
    """One more or one less, where a count or a bound is likely."""
    if isinstance(node, ast.Constant | ast.List | ast.Dict | ast.JoinedStr | ast.Compare | ast.Lambda):
        return
    parent, text = site.parent(node), site.text(node)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    if _by_one(node) or _by_one(parent):
        return  # the number beside it says the same more plainly
    weight = _as_a_count(site, node, parent)
    yield site.replace(node, f"{text} + 1", weight)
    yield site.replace(node, f"{text} - 1", weight)


def _as_a_count(site: Site, node: ast.expr, parent: ast.AST | None) -> float:
    """How likely it is that something is counted or bounded by it."""
    indexed = site.parent(parent) if isinstance(parent, ast.Tuple) else parent  # of several dimensions, perhaps
    if isinstance(node, ast.Name) and site.scope.kinds.get(node.id, "number") != "number":
        return 0.1
    if isinstance(indexed, ast.Slice | ast.Subscript) or _calls(parent, "range"):
        return 1.0
    if site.function is not None and _calls(parent, site.function.name):
        return 0.8  # what a function gives itself is how far it came
    return 0.5 if isinstance(parent, ast.Compare | ast.Return | ast.BinOp) else 0.2


def _calls(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _by_one(node: ast.AST | None) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and _is_one(node.right)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def change_name(site: Site, node: ast.Name) -> Iterator[Edit]:
    """Another name that is in scope."""
    if not isinstance(node.ctx, ast.Load):
        return
    parent = site.parent(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        choices = dict.fromkeys(site.scope.functions, 0.6)
    else:
        choices = dict.fromkeys(site.scope.globals, 0.5) | dict.fromkeys(site.scope.locals, 1.0)
        choices |= {f"self.{name}": 0.2 for name in site.scope.attributes}
    kind = site.scope.kinds.get(node.id)
    beside = [site.text(n) for n in (parent.left, *parent.comparators)] if isinstance(parent, ast.Compare) else ()
    only = site.scope.reads[node.id] == 1 and node.id in site.scope.bound  # it would be bound for nobody
    for name, weight in choices.items():
        if name != node.id:
            other = site.scope.kinds.get(name)
            share = 0.5 if kind and other and kind != other else 1.0
            share *= 0.4 if only else 0.1 if name in beside else 1.0
            yield site.replace_raw(node, name, weight * share)


def change_attribute(site: Site, node: ast.Attribute) -> Iterator[Edit]:
    """Another attribute of the same object: one of `self`, or one that the file reads elsewhere."""
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        for name in site.scope.attributes:
            if name != node.attr:
                yield site.replace_raw(node, f"self.{name}", 0.7)
    elif not is_callee(site, node):
        for name in attributes_in(site.source):
            if name != node.attr:
                yield site.replace_raw(node, f"{site.text(node.value)}.{name}", 0.5)


def swap_branches(site: Site, node: ast.IfExp) -> Iterator[Edit]:
    """`b if c else a` for `a if c else b`, or one of the two alone."""
    body, test, other = site.text(node.body), site.text(node.test), site.text(node.orelse)
    yield site.replace(node, f"{other} if {test} else {body}")
    yield site.replace(node, body, 0.5)
    yield site.replace(node, other, 0.5)


def swap_elements(site: Site, node: ast.Tuple | ast.List) -> Iterator[Edit]:
    """Two elements change places."""
    if 2 <= len(node.elts) <= 4:
        for order in list(permutations(node.elts))[1:]:
            text = ", ".join(site.text(e) for e in order)
            start, end = site.source.span(node.elts[0])[0], site.source.span(node.elts[-1])[1]
            yield Edit(start, end, text)


def add_operand(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`x + name`, `x - name`, `x * name` where a value is returned, stored, compared or passed."""
    parent = site.parent(node)
    if isinstance(node, ast.Constant | ast.Compare | ast.Lambda | ast.Tuple) or is_callee(site, node):
        return
    if not isinstance(parent, ast.Return | ast.Assign | ast.AugAssign | ast.Compare | ast.Call | ast.BinOp):
        return
    yield site.replace(node, f"{site.atom(node)} ** 2")
    for name in (*site.scope.locals, "2"):
        for rank, op in enumerate(("+", "-", "*", "%")):
            yield site.replace(node, f"{site.atom(node)} {op} {name}", 0.8 - 0.1 * rank)


def borrow_expression(site: Site, node: ast.expr) -> Iterator[Edit]:
    """An expression from elsewhere in the function, of the same kind or in the place of a name."""
    if site.function is None or is_callee(site, node) or isinstance(node, ast.Constant):
        return
    kinds = (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.Compare)
    found = (n for n in ast.walk(site.function) if isinstance(n, kinds) and _fits(n, node))
    for text in dict.fromkeys(site.text(n) for n in found):
        if text != site.text(node) and "\n" not in text:
            yield site.replace(node, text)


def name_instead(site: Site, node: ast.expr) -> Iterator[Edit]:
    """A name that is in scope, for what is worked out anew."""
    if site.function is None or is_callee(site, node):
        return
    kind = site.scope.kind(node)
    for name in site.scope.locals:
        other = site.scope.kinds.get(name)
        yield site.replace_raw(node, name, 0.4 if kind and other and kind != other else 1.0)


def add_list(site: Site, node: ast.ListComp) -> Iterator[Edit]:
    """What is made of a list comes to the list, before it or behind it, or to another one."""
    parent, iterated = site.parent(node), node.generators[0].iter
    if not isinstance(parent, ast.Return | ast.Assign):
        return
    lists = [name for name, kind in site.scope.kinds.items() if kind == "list"]
    for name in dict.fromkeys(([iterated.id] if isinstance(iterated, ast.Name) else []) + lists):
        yield site.replace(node, f"{name} + {site.text(node)}")
        yield site.replace(node, f"{site.text(node)} + {name}", 0.9)


def _fits(borrowed: ast.expr, node: ast.expr) -> bool:
    read = isinstance(getattr(borrowed, "ctx", ast.Load()), ast.Load)
    return read and (isinstance(node, ast.Name) or isinstance(borrowed, type(node)))


def change_target(site: Site, node: ast.Assign | ast.AugAssign) -> Iterator[Edit]:
    """What is stored goes to another name that the function stores to, or where it was just looked up."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    if isinstance(target, ast.Subscript | ast.Attribute):
        found = (n for n in ast.walk(node.value) if isinstance(n, type(target)))
        for text in dict.fromkeys(site.text(n) for n in found):
            if text != site.text(target) and "\n" not in text:
                yield site.replace_raw(target, text)
    if isinstance(target, ast.Name):
        kind = site.scope.kinds.get(target.id)
        for name in site.scope.locals:
            if name != target.id:
                known = site.scope.kinds.get(name)
                yield site.replace_raw(target, name, 0.4 if kind and known and kind != known else 1.0)


def change_list(site: Site, node: ast.List) -> Iterator[Edit]:
    """`[name]`, `[[]]`, `[0]` for `[]`; an element left out; the element for a list of one."""
    if not isinstance(node.ctx, ast.Load):
        return
    texts = [site.text(each) for each in node.elts]
    if not texts:
        for name in site.scope.locals:
            yield site.replace_raw(node, f"[{name}]", 0.9)
        for rank, text in enumerate(("[[]]", "[0]", "[1]", "['']", "[None]")):
            yield site.replace_raw(node, text, 0.8 - 0.1 * rank)
    for n in range(len(texts) if len(texts) <= 5 else 0):
        yield site.replace_raw(node, f"[{', '.join(texts[:n] + texts[n + 1 :])}]", 0.6)
    if len(texts) == 1 and not isinstance(node.elts[0], ast.Starred):
        yield site.replace(node, texts[0], 0.6)


def keep_best(site: Site, node: ast.Assign) -> Iterator[Edit]:
    """`x = max(x, y)` for `x = y`; and never below nothing."""
    target, value = node.targets[0], site.text(node.value)
    if isinstance(target, ast.Name | ast.Subscript | ast.Attribute) and not isinstance(node.value, ast.Constant):
        for name in ("max", "min"):
            yield site.replace(node.value, f"{name}({site.text(target)}, {value})")
        for rank, text in enumerate((f"max(0, {value})", f"min(0, {value})", f"max(1, {value})")):
            yield site.replace(node.value, text, 0.6 - 0.15 * rank)


def change_exception(site: Site, node: ast.Name) -> Iterator[Edit]:
    """Another exception that stands beside this one: one of the file's own, or of Python's."""
    own = exceptions_of(site.source)
    if node.id in _EXCEPTIONS or node.id in own:
        others = dict.fromkeys((*own, *_EXCEPTIONS) if node.id in own else (*_EXCEPTIONS, *own))
        for rank, other in enumerate(each for each in others if each != node.id):
            yield site.replace_raw(node, other, max(1.0 - 0.04 * rank, 0.2))


def clamp(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """`max(0, x - y)` for `x - y`: never below nothing."""
    if isinstance(node.op, ast.Sub) and not isinstance(site.parent(node), ast.Compare | ast.BoolOp):
        for rank, least in enumerate(("0", "1")):
            yield site.replace_raw(node, f"max({least}, {site.text(node)})", 1.0 - 0.5 * rank)
