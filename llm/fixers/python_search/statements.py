"""Edits of whole statements: deleted, moved, guarded, inserted. Each takes a site and a node and yields edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.site import Site

_AUGMENTED = ("+", "-", "*", "//", "/", "%", "**", "|", "&", "^")


def _body_of(site: Site, node: ast.stmt) -> list[ast.stmt]:
    """The list of statements that a statement stands in."""
    parent = site.parent(node)
    for field in ("body", "orelse", "finalbody"):
        body = getattr(parent, field, None)
        if isinstance(body, list) and node in body:
            return body
    return []


def neighbour(site: Site, node: ast.stmt, step: int) -> ast.stmt | None:
    body = _body_of(site, node)
    at = body.index(node) + step if node in body else -1
    return body[at] if 0 <= at < len(body) else None


def delete(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """Take a statement out; the last of a block becomes `pass`."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Pass):
        return
    if not site.source.alone_on_lines(node):
        return
    weight = 0.3 if isinstance(node, ast.Return) else 0.6 if isinstance(node, ast.For | ast.While) else 1.0
    if len(_body_of(site, node)) > 1:
        start, end = site.source.line_span(node)
        yield Edit(start, end, "", weight)
    else:
        yield site.replace_raw(node, "pass", 0.8 * weight)


def swap_with_next(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """Two neighbouring statements change places."""
    after = neighbour(site, node, 1)
    if after is None or not (site.source.alone_on_lines(node) and site.source.alone_on_lines(after)):
        return
    (start, end), (start2, end2) = site.source.span(node), site.source.span(after)
    middle = site.source.text[end:start2]
    yield Edit(start, end2, site.text(after) + middle + site.text(node))


def move_out(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """The last statement of a block moves below the block."""
    block = site.parent(node)
    if not isinstance(block, ast.For | ast.While | ast.If | ast.With) or _body_of(site, node)[-1] is not node:
        return
    if len(_body_of(site, node)) < 2 or _body_of(site, block)[:1] == [] or node.end_lineno != block.end_lineno:
        return
    start, end = site.source.line_span(node)
    yield Edit(start, end, _shifted(site, node, site.source.indent(block)))


def move_in(site: Site, node: ast.stmt) -> Iterator[Edit]:
    """The statement below a block becomes the last of the block."""
    block = neighbour(site, node, -1)
    if not isinstance(block, ast.For | ast.While | ast.If | ast.With) or not site.source.alone_on_lines(node):
        return
    last = (block.orelse or block.body)[-1] if isinstance(block, ast.If) else block.body[-1]
    start, end = site.source.line_span(node)
    yield Edit(start, end, _shifted(site, node, site.source.indent(last)))


def _shifted(site: Site, node: ast.stmt, indent: str) -> str:
    """A statement's lines at another indentation."""
    old, (start, end) = site.source.indent(node), site.source.line_span(node)
    lines = site.source.text[start:end].splitlines(keepends=True)
    return "".join(indent + line.removeprefix(old) if line.strip() else line for line in lines)


def change_return(site: Site, node: ast.Return) -> Iterator[Edit]:
    """Another value of a likely kind. `None` where something else is returned is hardly ever meant."""
    if site.function is None:
        return
    others = [n.value for n in ast.walk(site.function) if isinstance(n, ast.Return) and n.value and n is not node]
    returned = [*others, node.value] if node.value else others
    truth = any(isinstance(v, ast.Compare) or _is_bool(v) for v in returned)
    choices = {"True": 1.0, "False": 1.0} if truth else dict.fromkeys(site.scope.locals, 1.0)
    choices |= {} if truth else {"[]": 0.5, "0": 0.5, "''": 0.4, "{}": 0.3, "1": 0.4, "-1": 0.4}
    for value in others:
        choices.setdefault(site.text(value), 0.7)
    choices.setdefault("None", 0.05)
    for text, weight in choices.items():
        if node.value is None or text != site.text(node.value):
            yield site.replace_raw(node, f"return {text}", weight)


def _is_bool(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def first_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The first statement that is not the docstring."""
    head = function.body[0]
    docstring = isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and len(function.body) > 1
    return function.body[1] if docstring else head


def change_assignment(site: Site, node: ast.Assign | ast.AugAssign) -> Iterator[Edit]:
    """`+=` for `=`, `=` for `+=`, and the other operators."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    if isinstance(target, ast.Tuple | ast.List) or (isinstance(node, ast.Assign) and len(node.targets) > 1):
        return
    value, name = site.text(node.value), site.text(target)
    operators = [f"{op}=" for op in _AUGMENTED[:3]] if isinstance(node, ast.Assign) else ["="]
    operators += [] if isinstance(node, ast.Assign) else [f"{op}=" for op in _AUGMENTED]
    for rank, op in enumerate(operators):
        yield site.replace_raw(node, f"{name} {op} {value}", 1.0 - 0.08 * rank)
    grows = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)
    if grows and site.scope.kind(target) in ("str", "list"):
        yield site.replace_raw(node, f"{name} = {site.atom(node.value)} + {name}", 0.8)


def change_jump(site: Site, node: ast.Break | ast.Continue | ast.Return) -> Iterator[Edit]:
    """`continue` for `break` and the other way round."""
    if isinstance(node, ast.Break):
        yield site.replace_raw(node, "continue")
    elif isinstance(node, ast.Continue):
        yield site.replace_raw(node, "break")


def change_branch(site: Site, node: ast.If | ast.While) -> Iterator[Edit]:
    """`while` for `if`, `if` for `while`, `if` for `elif`."""
    start, _ = site.source.span(node)
    for old, new in (("if", "while"), ("while", "if"), ("elif", "if")):
        if site.source.text.startswith(old + " ", start) and not (old == "if" and node.orelse):
            yield Edit(start, start + len(old), new)


def insert_else(site: Site, node: ast.If) -> Iterator[Edit]:
    """The statements after an `if` that does not leave the function become its `else`, and `elif` for `if`."""
    after = neighbour(site, node, 1)
    if isinstance(after, ast.If):
        start, _ = site.source.span(after)
        if not node.orelse:
            yield Edit(start, start + 2, "elif")
    if after is None or node.orelse or not site.source.alone_on_lines(after):
        return
    begin, end = site.source.line_span(after)
    indent = site.source.indent(node)
    body = _shifted(site, after, site.source.indent(node.body[-1]))
    yield Edit(begin, end, f"{indent}else:{site.source.newline}{body}")


def change_default(site: Site, node: ast.FunctionDef) -> Iterator[Edit]:
    """A mutable default becomes None, and is made anew in the body."""
    arguments = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    for arg, default in zip(arguments, node.args.defaults, strict=True):
        made = site.text(default) in ("set()", "list()", "dict()")
        mutable = made or isinstance(default, ast.List | ast.Dict | ast.Set)
        head = first_of(node)
        if mutable and site.source.alone_on_lines(head):
            start, end = site.source.span(default)
            at, _ = site.source.line_span(head)
            indent, line_end = site.source.indent(head), site.source.newline
            unit = indent[len(site.source.indent(node)) :]
            lines = f"{indent}if {arg.arg} is None:{line_end}"
            lines += f"{indent}{unit}{arg.arg} = {site.text(default)}{line_end}"
            yield Edit(start, at, "None" + site.source.text[end:at] + lines)
