"""Edits of calls and of what is called on a value. Each takes a site and a node and yields edits, likeliest 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from types import MappingProxyType

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.ingredients import siblings
from llm.fixers.python_search.site import Site, is_callee

_APPENDED = (
    *(".lower()", ".upper()", ".strip()", ".swapcase()", ".copy()"),
    *(".items()", ".values()", ".keys()", ".split()"),
    *("[::-1]", "[0]", "[-1]", "[1:]", "[:-1]"),
)
_WRAPPERS = (
    *("abs", "sorted", "len", "set", "list", "int", "str"),
    *("sum", "max", "min", "round", "tuple", "float", "bool", "reversed", "any", "all", "bin", "dict"),
)
_SORT_KEYS = (
    *("len", "abs", "str", "str.lower", "sum", "min", "max"),
    *("lambda item: item[0]", "lambda item: item[1]"),
)

_BESIDE_TYPES = {
    "list": ("tuple", "set"),
    "tuple": ("list", "set"),
    "set": ("frozenset", "list"),
    "str": ("bytes",),
    "bytes": ("bytearray", "str"),
    "int": ("float",),
    "float": ("int",),
}

_THERE = (("{} is not None", 1.0), ("{}", 0.7))
_GATHERERS = MappingProxyType(
    {name: (f"{name}(", ")") for name in ("tuple", "sum", "max", "min", "sorted", "frozenset", "any", "all")}
    | {"list": ("[", "]"), "set": ("{", "}"), "len": ("len([", "])")}
)
"""What takes values one by one → what stands around them then."""


def swap_sibling(site: Site, node: ast.Name | ast.Attribute) -> Iterator[Edit]:
    """A function or method that people confuse with this one."""
    if not isinstance(node.ctx, ast.Load):
        return
    name = node.id if isinstance(node, ast.Name) else node.attr
    for rank, other in enumerate(siblings().get(name, ())):
        text = other if isinstance(node, ast.Name) else f"{site.text(node.value)}.{other}"
        yield site.replace_raw(node, text, 1.0 - 0.05 * rank)


def swap_arguments(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Two positional arguments change places."""
    for one, two in combinations(node.args, 2):
        (start, _), (_, end) = site.source.span(one), site.source.span(two)
        middle = site.source.text[site.source.span(one)[1] : site.source.span(two)[0]]
        yield Edit(start, end, site.text(two) + middle + site.text(one))


def change_arguments(site: Site, node: ast.Call) -> Iterator[Edit]:
    """One argument left out, or one more from the names in scope."""
    given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    texts = [site.text(a) for a in given]
    open_at = site.source.text.find("(", site.source.span(node.func)[1])
    end = site.source.span(node)[1]
    for n in range(len(texts)):
        yield Edit(open_at, end, f"({', '.join(texts[:n] + texts[n + 1 :])})", 0.8)
    if not node.keywords and len(texts) <= 3:
        for name in (*site.scope.locals, "0", "1"):
            yield Edit(open_at, end, f"({', '.join([*texts, name])})", 0.4)
            if texts:
                yield Edit(open_at, end, f"({', '.join([name, *texts])})", 0.2)


def change_sort(site: Site, node: ast.Call) -> Iterator[Edit]:
    """`reverse=True` and `key=` for the functions that sort or choose."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name not in ("sorted", "sort", "min", "max"):
        return
    given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    texts = [site.text(a) for a in given]
    named = {k.arg for k in node.keywords}
    extra = [] if name in ("min", "max") or "reverse" in named else ["reverse=True"]
    extra += [] if "key" in named else [f"key={key}" for key in _SORT_KEYS]
    open_at, end = site.source.text.find("(", site.source.span(node.func)[1]), site.source.span(node)[1]
    for rank, keyword in enumerate(extra):
        yield Edit(open_at, end, f"({', '.join([*texts, keyword])})", 1.0 - 0.05 * rank)


def more_types(site: Site, node: ast.Call) -> Iterator[Edit]:
    """`isinstance(x, (A, B))` for `isinstance(x, A)`: a type that stands beside it, one of the file's own."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "isinstance" and len(node.args) == 2):
        return
    asked = node.args[1]
    elements = asked.elts if isinstance(asked, ast.Tuple) else [asked]
    known = [site.text(each) for each in elements]
    beside = [other for name in known for other in _BESIDE_TYPES.get(name, ())]
    own = [name for name in site.scope.functions if name.lstrip("_")[:1].isupper()]
    for rank, name in enumerate(each for each in dict.fromkeys((*beside, *own)) if each not in known):
        yield site.replace_raw(asked, f"({', '.join([*known, name])})", max(1.0 - 0.05 * rank, 0.3))


def unwrap(site: Site, node: ast.Call) -> Iterator[Edit]:
    """`x` for `f(x)` and for `x.f(…)`; `f(f(x))` for `f(x)`."""
    if len(node.args) == 1:
        yield site.replace(node, site.text(node.args[0]))
        yield site.replace_raw(node.args[0], site.text(node), 0.3)
    if isinstance(node.func, ast.Attribute):
        yield site.replace(node, site.text(node.func.value), 0.8)


def wrap(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`set(x)`, `sorted(x)`, `abs(x)`, … for `x`."""
    if is_callee(site, node) or isinstance(node, ast.Constant | ast.Lambda | ast.Starred):
        return
    inside = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    arithmetic = isinstance(node, ast.BinOp)
    for rank, name in enumerate(_WRAPPERS):
        if name != inside:
            first = arithmetic and name in ("abs", "int", "round")
            weight = 1.0 if first else site.fits(node, name) * (0.8 - 0.04 * rank)
            yield site.replace_raw(node, f"{name}({site.text(node)})", weight)


def append_call(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`.lower()`, `[::-1]`, `[0]`, … after an expression."""
    if is_callee(site, node) or isinstance(node, ast.Compare | ast.BoolOp | ast.Lambda | ast.Starred):
        return
    iterated = isinstance(site.parent(node), ast.For | ast.comprehension)
    for rank, suffix in enumerate(_APPENDED):
        likely = iterated and suffix in (".items()", ".values()", "[1:]", "[:-1]", "[::-1]")
        fits = site.fits(node, suffix)
        yield site.replace_raw(node, site.atom(node) + suffix, fits * (1.0 if likely else 0.7 - 0.03 * rank))


def cut(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`x[name:]` and `x[:name]` for `x`, with names that are no collections."""
    if is_callee(site, node) or isinstance(site.parent(node), ast.Subscript | ast.Attribute):
        return
    collections = ("list", "set", "dict", "str")
    if isinstance(node, ast.Name) and site.scope.kinds.get(node.id) in ("number", "set", "dict"):
        return
    for name in site.scope.locals:
        if site.scope.kinds.get(name) not in collections and name != site.text(node):
            for rank, bounds in enumerate((f"{name}:", f":{name}", f":{name} + 1", f"{name} + 1:")):
                yield site.replace_raw(node, f"{site.atom(node)}[{bounds}]", 1.0 - 0.2 * rank)


def call_for_index(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    """`sum(x)` for `x[0]`, and the like."""
    if isinstance(node.ctx, ast.Load) and not is_callee(site, node):
        for rank, name in enumerate(("sum", "max", "min", "len", "any", "all", "sorted")):
            yield site.replace(node, f"{name}({site.text(node.value)})", 1.0 - 0.1 * rank)


def change_range(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Another first, last or step of a `range`."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "range" and 1 <= len(node.args) <= 3):
        return
    texts = [site.text(a) for a in node.args]
    start, stop = ["0", texts[0]] if len(texts) == 1 else texts[:2]
    ways = [f"1, {stop}", f"{start}, {stop}, 2", f"1, {stop} + 1", f"0, {stop}", f"{stop}, {start}, -1"]
    ways += [f"{stop} - 1, {start} - 1, -1", f"{stop} - 1, -1, -1", f"{start} + 1, {stop} + 1", stop]
    ways += [f"2, {stop}", f"{start}, {stop} // 2", f"{start}, {stop}"]
    for rank, way in enumerate(ways):
        yield Edit(*_argument_span(site, node), way, 1.0 - 0.06 * rank)


def _argument_span(site: Site, node: ast.Call) -> tuple[int, int]:
    return site.source.span(node.args[0])[0], site.source.span(node.args[-1])[1]


def change_slice(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    """Bounds of a slice added or left out; an index from the other end."""
    base = site.text(node.value)
    if isinstance(node.slice, ast.Slice):
        parts = [site.text(p) if p else "" for p in (node.slice.lower, node.slice.upper)]
        step = f":{site.text(node.slice.step)}" if node.slice.step else ""
        low, high = parts
        for lower, upper in (("", high), (low, ""), ("1", high), (low, "-1"), (high, low)):
            yield site.replace_raw(node, f"{base}[{lower}:{upper}{step}]", 0.9)
        yield site.replace_raw(node, f"{base}[{parts[0]}:{parts[1]}{'' if step else ':-1'}]", 0.6)
        return
    index = site.text(node.slice)
    for rank, new in enumerate((f"-{site.atom(node.slice)}", "0", "-1", f"{index}:", f":{index}")):
        yield site.replace_raw(node, f"{base}[{new}]", 0.8 - 0.1 * rank)


def leave_out(site: Site, node: ast.Call | ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Iterator[Edit]:
    """Without what is None, or nothing: `[x for x in xs if x is not None]` for `list(xs)`, or for what is done to
    each."""
    if not isinstance(node, ast.Call):
        made = node.generators[-1]
        for condition, weight in _THERE if isinstance(made.target, ast.Name) else ():
            asked = condition.format(site.text(made.target))
            if made.ifs:
                yield site.replace_raw(made.ifs[-1], f"{site.atom(made.ifs[-1])} and {asked}", weight)
            else:
                yield site.replace_raw(made.iter, f"{site.text(made.iter)} if {asked}", weight)
        return
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _GATHERERS or len(node.args) != 1 or isinstance(node.args[0], ast.GeneratorExp | ast.Starred):
        return
    opening, closing = _GATHERERS[name]
    for condition, weight in _THERE:
        text = f"x for x in {site.atom(node.args[0])} if {condition.format('x')}"
        yield site.replace_raw(node, f"{opening}{text}{closing}", weight)
