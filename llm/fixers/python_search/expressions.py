"""Edits of one expression. Each takes a site and a node and yields edits, the likeliest with weight 1."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations, permutations

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.ingredients import siblings
from llm.fixers.python_search.site import Site

_COMPARES: dict[str, str] = {
    "<": "<= > >= != ==",
    "<=": "< >= > == !=",
    ">": ">= < <= != ==",
    ">=": "> <= < == !=",
    "==": "!= <= >= < > in",
    "!=": "== < > <= >=",
    "is": "is_not ==",
    "is not": "is !=",
    "in": "not_in ==",
    "not in": "in !=",
}
_OPERATORS: dict[str, str] = {
    "+": "- * // %",
    "-": "+ * // %",
    "*": "/ ** + // - %",
    "/": "// * % -",
    "//": "/ % * -",
    "%": "// / * -",
    "**": "* // +",
    "<<": ">> *",
    ">>": "<< //",
    "&": "| ^ -",
    "|": "& ^ +",
    "^": "& | **",
    "@": "*",
}
_NEUTRAL_BY_ONE = ("*", "/", "//", "**")
_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.MatMult: "@",
}  # fmt: skip
_WEAKER = (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp, ast.Lambda)
_APPENDED = (
    *(".lower()", ".upper()", ".strip()", ".swapcase()", ".copy()"),
    *(".items()", ".values()", ".keys()", ".split()"),
    *("[::-1]", "[0]", "[-1]", "[1:]", "[:-1]"),
)
_WRAPPERS = (
    *("abs", "sorted", "len", "set", "list", "int", "str"),
    *("sum", "max", "min", "round", "tuple", "float", "bool"),
)
_SORT_KEYS = (
    *("len", "abs", "str", "str.lower", "sum", "min", "max"),
    *("lambda item: item[0]", "lambda item: item[1]"),
)


def swap_comparison(site: Site, node: ast.Compare) -> Iterator[Edit]:
    """`<` for `<=` and so on."""
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        old = _SYMBOLS[type(op)]
        for rank, new in enumerate(_COMPARES[old].split()):
            edit = site.between(left, right, old, new.replace("_", " "), 1.0 - 0.12 * rank)
            if edit:
                yield edit
        left = right


def swap_operator(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """Another arithmetic or bit operator; operands that it would take apart get parentheses."""
    old = _SYMBOLS[type(node.op)]
    by_one = isinstance(node.right, ast.Constant) and node.right.value == 1
    for rank, new in enumerate(_OPERATORS[old].split()):
        weight = 1.0 - 0.12 * rank
        if by_one and new in _NEUTRAL_BY_ONE:
            continue
        if isinstance(node.left, _WEAKER) or isinstance(node.right, _WEAKER):
            yield site.replace(node, f"{site.atom(node.left)} {new} {site.atom(node.right)}", weight)
        elif edit := site.between(node.left, node.right, old, new, weight):
            yield edit


def swap_operands(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """`b - a` for `a - b`."""
    if not isinstance(node.op, ast.Add | ast.Mult):
        symbol = _SYMBOLS[type(node.op)]
        yield site.replace(node, f"{site.atom(node.right)} {symbol} {site.atom(node.left)}")


def regroup(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """`(a + b) * c` for `a + b * c`, and the other way round."""
    outer = _SYMBOLS[type(node.op)]
    if isinstance(node.right, ast.BinOp):
        inner, far = node.right, _SYMBOLS[type(node.right.op)]
        text = f"({site.atom(node.left)} {outer} {site.atom(inner.left)}) {far} {site.atom(inner.right)}"
        yield site.replace(node, text)
    if isinstance(node.left, ast.BinOp):
        inner, far = node.left, _SYMBOLS[type(node.left.op)]
        text = f"{site.atom(inner.left)} {far} ({site.atom(inner.right)} {outer} {site.atom(node.right)})"
        yield site.replace(node, text)


def drop_operand(site: Site, node: ast.BinOp | ast.BoolOp) -> Iterator[Edit]:
    """Leave out one operand."""
    if isinstance(node, ast.BinOp):
        yield site.replace(node, site.text(node.left))
        yield site.replace(node, site.text(node.right), 0.8)
        return
    word = " and " if isinstance(node.op, ast.And) else " or "
    for n in range(len(node.values)):
        kept = [site.atom(v) for m, v in enumerate(node.values) if m != n]
        yield site.replace(node, word.join(kept))


def swap_boolean(site: Site, node: ast.BoolOp) -> Iterator[Edit]:
    """`or` for `and`, everywhere in a chain or at one place of it."""
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        if edit := site.between(left, right, old, new, 1.0):
            yield edit
    yield site.replace(node, f" {new} ".join(f"({site.text(v)})" for v in node.values), 0.9)


def negate(site: Site, node: ast.expr | ast.stmt) -> Iterator[Edit]:
    """`not` before a condition, or taken away."""
    conditions = node.values if isinstance(node, ast.BoolOp) else [_condition(node)]
    for condition in conditions:
        if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
            yield site.replace(condition, site.text(condition.operand))
        elif isinstance(condition, ast.Call | ast.Name | ast.Attribute | ast.BoolOp | ast.Compare):
            yield site.replace(condition, f"not {site.atom(condition)}", 0.7)


def _condition(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Return(value=condition) | ast.If(test=condition) | ast.While(test=condition):
            return condition
        case ast.IfExp(test=condition):
            return condition
    return None


def strip_unary(site: Site, node: ast.UnaryOp) -> Iterator[Edit]:
    """`x` for `-x`, `not x`, `~x`."""
    yield site.replace(node, site.text(node.operand))


def off_by_one(site: Site, node: ast.expr) -> Iterator[Edit]:
    """One more or one less, where a count or a bound is likely."""
    if isinstance(node, ast.Constant | ast.List | ast.Dict | ast.JoinedStr | ast.Compare | ast.Lambda):
        return
    parent, text = site.parent(node), site.text(node)
    bound = isinstance(parent, ast.Slice | ast.Subscript) or (
        isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "range"
    )
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and _is_one(node.right):
        return
    weight = 1.0 if bound else 0.5 if isinstance(parent, ast.Compare | ast.Return | ast.BinOp) else 0.2
    yield site.replace(node, f"{text} + 1", weight)
    yield site.replace(node, f"{text} - 1", weight)


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
    for name, weight in choices.items():
        if name != node.id:
            yield site.replace_raw(node, name, weight)


def change_attribute(site: Site, node: ast.Attribute) -> Iterator[Edit]:
    """Another attribute of the same object, a sibling method, or none."""
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        for name in site.scope.attributes:
            if name != node.attr:
                yield site.replace_raw(node, f"self.{name}", 0.7)


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


def unwrap(site: Site, node: ast.Call) -> Iterator[Edit]:
    """`x` for `f(x)` and for `x.f(…)`; `f(f(x))` for `f(x)`."""
    if len(node.args) == 1:
        yield site.replace(node, site.text(node.args[0]))
        yield site.replace_raw(node.args[0], site.text(node), 0.3)
    if isinstance(node.func, ast.Attribute):
        yield site.replace(node, site.text(node.func.value), 0.8)


def wrap(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`set(x)`, `sorted(x)`, `abs(x)`, … for `x`."""
    if _is_callee(site, node) or isinstance(node, ast.Constant | ast.Lambda | ast.Starred):
        return
    inside = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    arithmetic = isinstance(node, ast.BinOp)
    for rank, name in enumerate(_WRAPPERS):
        if name != inside:
            first = arithmetic and name in ("abs", "int", "round")
            yield site.replace_raw(node, f"{name}({site.text(node)})", 1.0 if first else 0.8 - 0.04 * rank)


def append_call(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`.lower()`, `[::-1]`, `[0]`, … after an expression."""
    if _is_callee(site, node) or isinstance(node, ast.Compare | ast.BoolOp | ast.Lambda | ast.Starred):
        return
    iterated = isinstance(site.parent(node), ast.For | ast.comprehension)
    for rank, suffix in enumerate(_APPENDED):
        likely = iterated and suffix in (".items()", ".values()", "[1:]", "[:-1]", "[::-1]")
        yield site.replace_raw(node, site.atom(node) + suffix, 1.0 if likely else 0.7 - 0.03 * rank)


def _is_callee(site: Site, node: ast.expr) -> bool:
    parent = site.parent(node)
    stored = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    return stored or (isinstance(parent, ast.Call) and parent.func is node) or isinstance(parent, ast.keyword)


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


def extend_condition(site: Site, node: ast.If | ast.While | ast.Return) -> Iterator[Edit]:
    """`and`/`or` with a condition that stands elsewhere in the function, or with a name's truth."""
    condition = _condition(node)
    if condition is None or site.function is None:
        return
    if isinstance(node, ast.Return) and not isinstance(condition, ast.Compare | ast.BoolOp | ast.UnaryOp):
        return
    known = dict.fromkeys(site.text(n) for n in ast.walk(site.function) if isinstance(n, ast.Compare))
    names = dict.fromkeys(site.scope.locals, 0.6) | {f"not {name}": 0.5 for name in site.scope.locals}
    for text, weight in (dict.fromkeys(known, 0.8) | names).items():
        if not re.search(r"\n", text) and text != site.text(condition):
            for word in ("and", "or"):
                yield site.replace(condition, f"{site.atom(condition)} {word} {text}", weight)
                yield site.replace(condition, f"{text} {word} {site.atom(condition)}", 0.6 * weight)


def add_operand(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`x + name`, `x - name`, `x * name` where a value is returned, stored, compared or passed."""
    parent = site.parent(node)
    if isinstance(node, ast.Constant | ast.Compare | ast.Lambda | ast.Tuple) or _is_callee(site, node):
        return
    if not isinstance(parent, ast.Return | ast.Assign | ast.AugAssign | ast.Compare | ast.Call | ast.BinOp):
        return
    for name in (*site.scope.locals, "2"):
        for rank, op in enumerate(("+", "-", "*", "%")):
            yield site.replace(node, f"{site.atom(node)} {op} {name}", 0.8 - 0.1 * rank)


def borrow_expression(site: Site, node: ast.expr) -> Iterator[Edit]:
    """An expression from elsewhere in the function, of the same kind or in the place of a name."""
    if site.function is None or _is_callee(site, node) or isinstance(node, ast.Constant):
        return
    kinds = (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.Compare)
    found = (n for n in ast.walk(site.function) if isinstance(n, kinds) and _fits(n, node))
    for text in dict.fromkeys(site.text(n) for n in found):
        if text != site.text(node) and "\n" not in text:
            yield site.replace(node, text)


def _fits(borrowed: ast.expr, node: ast.expr) -> bool:
    read = isinstance(getattr(borrowed, "ctx", ast.Load()), ast.Load)
    return read and (isinstance(node, ast.Name) or isinstance(borrowed, type(node)))
