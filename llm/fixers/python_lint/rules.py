"""One function a rule, in one table by the rule's code. A way says how it answers one complaint."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_types.code import Function, Point, Way
from llm.workspace.tampering import equals_a_constant

Rule = Callable[[Point], Iterator[Way]]
_SURE, _LIKELY, _POSSIBLE = 0.9, 0.75, 0.55
_WIDTH = 88
_BRACKETED = (ast.Call, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.keyword)


def bare_except(point: Point) -> Iterator[Way]:
    """`except:` → `except Exception:`, which lets an interrupt through."""
    for node in ast.walk(point.source.tree):
        if isinstance(node, ast.ExceptHandler) and node.lineno == point.diagnostic.line and node.type is None:
            at = point.source.offset(node.lineno, node.col_offset) + len("except")
            yield point.way("except Exception", _LIKELY, Edit(at, at, " Exception"))


def raise_from(point: Point) -> Iterator[Way]:
    """`raise X` in a handler → `raise X from error`, the handler's name for it, or a new one."""
    if not isinstance(point.statement, ast.Raise):
        return
    handler = next((n for n in point.source.ancestors(point.statement) if isinstance(n, ast.ExceptHandler)), None)
    if handler is None or handler.type is None:
        return
    _, end = point.source.span(point.statement)
    edits = [Edit(end, end, f" from {handler.name or 'error'}")]
    if handler.name is None:
        _, at = point.source.span(handler.type)
        at += point.source.text[at : at + 1] == ")" and point.source.text[at - 1] != ")"
        edits.append(Edit(at, at, " as error"))
        if any(isinstance(n, ast.Name) and n.id == "error" for n in ast.walk(handler)):
            return
    yield point.way("raise from what was caught", _SURE, *edits)


def unused_value(point: Point) -> Iterator[Way]:
    """An expression as a statement: its value gets the name that says it is not wanted."""
    if isinstance(point.statement, ast.Expr):
        start, _ = point.source.span(point.statement)
        yield point.way("assigned to _", _LIKELY, Edit(start, start, "_ = "))


def same_type(point: Point) -> Iterator[Way]:
    """`type(x) == y` → `type(x) is y`."""
    for node in ast.walk(point.source.tree):
        if isinstance(node, ast.Compare) and node.lineno == point.diagnostic.line and len(node.ops) == 1:
            start, end = point.source.span(node.left)[1], point.source.span(node.comparators[0])[0]
            between = point.source.text[start:end]
            if not re.fullmatch(r"[\s)]*(==|!=)[\s(]*", between):
                continue
            denied = point.source.parents.get(node)
            edits = []
            if "==" in between and isinstance(denied, ast.UnaryOp) and isinstance(denied.op, ast.Not):
                between = between.replace("==", "!=")
                edits = [Edit(point.source.span(denied)[0], point.source.span(node)[0], "")]
            text = between.replace("==", "is").replace("!=", "is not")
            yield point.way("compare types by identity", _SURE, Edit(start, end, text), *edits)


def asserted_constant(point: Point) -> Iterator[Way]:
    """`assert x == True` → `assert x is True`, which asks for more; ruff's `assert x` would ask for less."""
    if isinstance(point.statement, ast.Assert):
        edits = []
        for node in equals_a_constant(point.statement.test):
            start, end = point.source.span(node.left)[1], point.source.span(node.comparators[0])[0]
            edits.append(Edit(start, end, point.source.text[start:end].replace("==", "is")))
        if edits:
            yield point.way("the very constant", _LIKELY, *edits)


def ask_callable(point: Point) -> Iterator[Way]:
    """`hasattr(x, "__call__")` → `callable(x)`; `getattr` with a default → a question and two answers."""
    for node in point.header():
        match node:
            case ast.Call(func=ast.Name(id="hasattr"), args=[value, _]):
                text = f"callable({point.source.segment(value)})"
                yield point.way(text, _SURE, Edit(*point.source.span(node), text))
            case ast.Call(func=ast.Name(id="getattr"), args=[value, _, other]) if isinstance(value, ast.Name):
                name = point.source.segment(value)
                text = f"{name}.__call__ if callable({name}) else {point.source.segment(other)}"
                if not isinstance(point.source.parents.get(node), ast.Assign | ast.Return):
                    text = f"({text})"
                yield point.way(f"ask callable({name})", _LIKELY, Edit(*point.source.span(node), text))


def late_import(point: Point) -> Iterator[Way]:
    """An import below other code → below the last import above that code."""
    statement = point.statement
    body = point.source.tree.body
    if not isinstance(statement, ast.Import | ast.ImportFrom) or statement not in body:
        return
    tops = []
    for node in body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_docstring(node):
            break
        tops.append(node)
    if not tops or not point.source.alone_on_lines(statement):
        return
    start, end = point.source.line_span(statement)
    _, at = point.source.line_span(tops[-1])
    if at < start:
        moved = Edit(at, at, point.source.text[start:end])
        yield point.way("import at the top", _POSSIBLE, moved, Edit(start, end, ""))


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def ambiguous_name(point: Point) -> Iterator[Way]:
    """A local `l`, `O` or `I` → a name that reads as what it is: every use in its function."""
    found = re.search(r"[Aa]mbiguous variable name: `(\w+)`", point.diagnostic.message)
    node = next((n for n in point.expressions if isinstance(n, ast.Name)), None)
    if found is None or (node is None and not point.statement):
        return
    scope = _scope_of(point, node)
    if scope is None:
        return
    name = next(n for n in ("item", "value", "entry", "element") if not re.search(rf"\b{n}\b", point.source.text))
    uses = [n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == found[1]]
    if uses:
        yield point.way(f"{name} for {found[1]}", _LIKELY, *(Edit(*point.source.span(n), name) for n in uses))


def _scope_of(point: Point, node: ast.Name | None) -> ast.AST | None:
    """The comprehension or function that a name is local to; None for a parameter or a global."""
    place: ast.AST | None = node or point.statement
    kinds = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.FunctionDef, ast.AsyncFunctionDef)
    return next((n for n in point.source.ancestors(place) if isinstance(n, kinds)), None) if place else None


def local_in_lower_case(point: Point) -> Iterator[Way]:
    """`Total = 0` in a function → `total`."""
    found = re.search(r"Variable `(\w+)` in function should be lowercase", point.diagnostic.message)
    scope = point.function
    if found is None or scope is None:
        return
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found[1]).lower()
    taken = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(scope))
    uses = [n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == found[1]]
    if not taken and name.isidentifier():
        yield point.way(f"{name} for {found[1]}", _LIKELY, *(Edit(*point.source.span(n), name) for n in uses))


def unused_in_package(point: Point) -> Iterator[Way]:
    """An import in `__init__.py`: its own module's name is exported, another's is taken out."""
    statement = point.statement
    names = set(re.findall(r"`([\w.]+)(?: as \w+)?` imported but unused", point.diagnostic.message))
    if not isinstance(statement, ast.ImportFrom) or not point.path.endswith("__init__.py"):
        return
    unused = [a for a in statement.names if any(n.split(".")[-1] == a.name for n in names)]
    top = (statement.module or "").split(".")[0]
    foreign = statement.level == 0 and not any(p.startswith((f"{top}/", f"src/{top}/")) for p in point.code.texts)
    for alias in unused:
        _, end = point.source.span(alias)
        if foreign and not _imported_from(point, alias.asname or alias.name):
            yield point.way(f"without {alias.name}", _LIKELY, _without(point, statement, alias))
        elif alias.asname is None:
            yield point.way(f"export {alias.name}", _LIKELY, Edit(end, end, f" as {alias.name}"))


def _imported_from(point: Point, name: str) -> bool:
    """Whether another file imports a name from this package."""
    package = point.path.rpartition("/")[0].rpartition("/")[2]
    wanted = re.compile(rf"from [\w.]*\b{package} import [^#]*?\b{name}\b")
    return any(wanted.search(text) for path, text in point.code.texts.items() if path != point.path)


def _without(point: Point, statement: ast.ImportFrom, alias: ast.alias) -> Edit:
    """An alias with the comma that goes with it; the statement where all of it is unused."""
    source, place = point.source, statement.names.index(alias)
    here = [d for d in point.fellows if d.code == "F401" and d.path == point.path]
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    if sum(d.line in lines for d in here) == len(statement.names):
        return Edit(*source.line_span(statement), "")
    start, end = source.span(alias)
    if place + 1 < len(statement.names):
        return Edit(start, source.span(statement.names[place + 1])[0], "")
    return Edit(source.span(statement.names[place - 1])[1], end, "")


def own_member(point: Point) -> Iterator[Way]:
    """A name that nothing defines, in a class that has it as `self.name`."""
    for node in point.expressions:
        owner = next((n for n in point.source.ancestors(node) if isinstance(n, ast.ClassDef)), None)
        if isinstance(node, ast.Name) and owner and f"self.{node.id}" in point.source.segment(owner):
            start, _ = point.source.span(node)
            yield point.way(f"self.{node.id}", _POSSIBLE, Edit(start, start, "self."))


def star_import(point: Point) -> Iterator[Way]:
    """`from x import *`, the only one of its file → the names that the file is said to take from one."""
    every = [n for n in ast.walk(point.source.tree) if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"]
    if every != [point.statement]:
        return
    module = "." * every[0].level + (every[0].module or "")
    said = [d.message for d in point.fellows if d.code == "F405" and d.path == point.path]
    names = sorted({m[1] for text in said if (m := re.match(r"`(\w+)` may be undefined, or", text))})
    if names:
        edit = Edit(*point.source.span(every[0]), f"from {module} import {', '.join(names)}")
        yield point.way("import the names that are used", _LIKELY, edit)


def redefined(point: Point) -> Iterator[Way]:
    """A function or class that a later one of the same name hides → out."""
    found = re.search(r"[Rr]edefinition of unused `(\w+)` from line (\d+)", point.diagnostic.message)
    for node in ast.walk(point.source.tree) if found else ():
        assert found is not None
        if isinstance(node, Function | ast.ClassDef) and node.name == found[1] and node.lineno == int(found[2]):
            start, end = point.source.line_span(node)
            end += len(point.source.text[end:]) - len(point.source.text[end:].lstrip("\r\n"))
            yield point.way(f"one definition of {found[1]}", _POSSIBLE, Edit(start, end, ""))


def long_line(point: Point) -> Iterator[Way]:
    """A comment that is too long → two lines; a string → two strings in brackets of their own or of the call."""
    found = re.search(r"\((\d+) > (\d+)\)", point.diagnostic.message)
    width = int(found[2]) if found else _WIDTH
    source, line = point.source, point.diagnostic.line
    start = source.offset(line, 0)
    text = source.text[start:].split("\n", 1)[0].rstrip("\r")
    comment = re.match(r"([ \t]*#+:? ?)(.*)", text)
    if comment:
        wrapped = textwrap.wrap(comment[2], max(20, width - len(comment[1])), break_long_words=False)
        lines = source.newline.join(comment[1] + part for part in wrapped)
        yield point.way("wrap the comment", _SURE, Edit(start, start + len(text), lines))
        return
    trailing = re.match(r"([ \t]*)(\S.*?\S)  +(#.*)$", text)
    if trailing and len(text) > width >= len(trailing[1]) + len(trailing[3]):
        lines = f"{trailing[1]}{trailing[3]}{source.newline}{trailing[1]}{trailing[2]}"
        yield point.way("the comment above", _LIKELY, Edit(start, start + len(text), lines))
    yield from _split_string(point, start, width)


def _split_string(point: Point, start: int, width: int) -> Iterator[Way]:
    source = point.source
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if (node.lineno, node.end_lineno) != (point.diagnostic.line, point.diagnostic.line):
            continue
        first, last = source.span(node)
        text = source.text[first:last]
        opening = re.match(r"""([rRbBuU]*)(['"])(?!\2\2)""", text)
        column = first - start
        cut = text.rfind(" ", 0, width - column - 2)
        if opening is None or cut <= len(opening[0]) or last - start <= width:
            continue
        bare = not isinstance(source.parents.get(node), _BRACKETED)
        gap = f"{opening[2]}{source.newline}{' ' * (column + bare)}{opening[0]}"
        whole = text[: cut + 1] + gap + text[cut + 1 :]
        yield point.way("split the string", _LIKELY, Edit(first, last, f"({whole})" if bare else whole))


def several_statements(point: Point) -> Iterator[Way]:
    """`a; b` and `if x: y` → a line each."""
    source = point.source
    line = source.offset(point.diagnostic.line, 0)
    text = source.text[line:].split("\n", 1)[0].rstrip("\r")
    inner = [n for n in ast.walk(source.tree) if isinstance(n, ast.stmt) and n.lineno == point.diagnostic.line]
    indent = re.match(r"[ \t]*", text)
    begins = sorted({source.span(n)[0] for n in inner})[1:]
    if not indent or not begins:
        return
    owner = next((n for n in inner if getattr(n, "body", None)), None)
    deeper = indent[0] + ("\t" if "\t" in indent[0] else "    ") if owner else indent[0]
    edits = []
    for at in begins:
        before = source.text[line:at].rstrip(" \t")
        stop = line + len(before) - before.endswith(";")
        edits.append(Edit(stop, at, source.newline + deeper))
    yield point.way("a line for each statement", _SURE, *edits)


def commented_code(point: Point) -> Iterator[Way]:
    """Code in a comment → out."""
    start = point.source.offset(point.diagnostic.line, 0)
    text = point.source.text[start:].split("\n", 1)
    if text[0].lstrip().startswith("#"):
        yield point.way("without the comment", _LIKELY, Edit(start, start + len(text[0]) + 1, ""))


RULES: dict[str, Rule] = {
    "B004": ask_callable,
    "B015": unused_value,
    "B018": unused_value,
    "B904": raise_from,
    "E402": late_import,
    "E501": long_line,
    "E701": several_statements,
    "E702": several_statements,
    "E711": asserted_constant,
    "E712": asserted_constant,
    "E721": same_type,
    "E722": bare_except,
    "E741": ambiguous_name,
    "ERA001": commented_code,
    "F401": unused_in_package,
    "F403": star_import,
    "F811": redefined,
    "F821": own_member,
    "N806": local_in_lower_case,
    "TRY200": raise_from,
}
