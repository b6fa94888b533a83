"""Edits of operators and conditions. Each takes a site and a node and yields edits, likeliest with weight 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
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
    one_by, by_one = (isinstance(n, ast.Constant) and n.value == 1 for n in (node.left, node.right))
    for rank, new in enumerate(_OPERATORS[old].split()):
        weight = 1.0 - 0.12 * rank
        if (by_one and new in _NEUTRAL_BY_ONE) or (one_by and new == "*"):
            continue  # leaving out the operand says the same more plainly
        if isinstance(node.left, _WEAKER) or isinstance(node.right, _WEAKER):
            yield site.replace(node, f"{site.atom(node.left)} {new} {site.atom(node.right)}", weight)
        elif edit := site.between(node.left, node.right, old, new, weight):
            yield edit


def swap_operands(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """`b - a` for `a - b`; of sums, those of texts and lists, or that may be."""
    kinds = {site.scope.kind(node.left), site.scope.kind(node.right)}
    if isinstance(node.op, ast.Mult) or (isinstance(node.op, ast.Add) and "number" in kinds):
        return
    weight = 1.0 if not isinstance(node.op, ast.Add) or kinds & {"str", "list"} else 0.5
    symbol = _SYMBOLS[type(node.op)]
    yield site.replace(node, f"{site.atom(node.right)} {symbol} {site.atom(node.left)}", weight)


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
        if isinstance(node.left, ast.BinOp):
            outer = f"{site.atom(node.left.left)} {_SYMBOLS[type(node.left.op)]} {site.atom(node.right)}"
            yield site.replace(node, outer, 0.8)
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


def extend_condition(site: Site, node: ast.If | ast.While | ast.Return) -> Iterator[Edit]:
    """`and`/`or` with a condition that stands elsewhere in the function, or with a name's truth."""
    condition = _condition(node)
    if condition is None or site.function is None:
        return
    if isinstance(node, ast.Return) and not isinstance(condition, ast.Compare | ast.BoolOp | ast.UnaryOp):
        return
    known = dict.fromkeys(site.text(n) for n in ast.walk(site.function) if isinstance(n, ast.Compare))
    owners = (site.text(n.value) for n in ast.walk(condition) if isinstance(n, ast.Attribute | ast.Subscript))
    for owner in dict.fromkeys(owners):  # asked first, or it is too late
        yield site.replace(condition, f"{owner} is None or {site.atom(condition)}")
        yield site.replace(condition, f"{owner} is not None and {site.atom(condition)}")
    names = dict.fromkeys(site.scope.locals, 0.6) | {f"not {name}": 0.5 for name in site.scope.locals}
    for text, weight in (dict.fromkeys(known, 0.8) | names).items():
        if "\n" not in text and text != site.text(condition):
            for word in ("and", "or"):
                yield site.replace(condition, f"{site.atom(condition)} {word} {text}", weight)
                yield site.replace(condition, f"{text} {word} {site.atom(condition)}", 0.6 * weight)


def wrap_both(site: Site, node: ast.Compare) -> Iterator[Edit]:
    """`set(a) == set(b)` for `a == b`, and the like."""
    if len(node.ops) > 1 or isinstance(node.left, ast.Constant) or isinstance(node.comparators[0], ast.Constant):
        return
    left, right = node.left, node.comparators[0]
    for rank, name in enumerate(("set", "sorted", "len", "abs", "str", "sum", "list", "int")):
        texts = [f"{name}({site.text(left)})", f"{name}({site.text(right)})"]
        yield site.replace_all((left, right), texts, 1.0 - 0.05 * rank)
    for rank, suffix in enumerate((".lower()", ".strip()")):
        yield site.replace_all(
            (left, right), [site.atom(left) + suffix, site.atom(right) + suffix], 0.7 - 0.1 * rank
        )


def chain(site: Site, node: ast.Compare) -> Iterator[Edit]:
    """`0 <= a < b`: one more bound before a comparison, from what the function compares with."""
    if site.function is None or not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return
    bounds = ("0", "1", *site.scope.parameters[:4])
    for rank, bound in enumerate(bounds):
        for word in ("<=", "<") if isinstance(node.ops[0], ast.Lt | ast.LtE) else (">=", ">"):
            if bound != site.text(node.left):
                yield site.replace(node, f"{bound} {word} {site.text(node)}", 0.8 - 0.08 * rank)
