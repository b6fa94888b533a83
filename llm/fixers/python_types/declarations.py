"""Where a variable, an attribute or a parameter gets its type, and the edit that gives it another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_types.annotations import Spelling
from llm.fixers.python_types.code import Function, Way, before


@dataclass(frozen=True, slots=True)
class Declaration:
    """`node` is the parameter, or the first statement that binds `target`; `annotation` is what stands there."""

    source: Source
    target: ast.expr | ast.arg
    node: ast.arg | ast.stmt
    annotation: ast.expr | None
    default: ast.expr | None = None

    @property
    def value(self) -> ast.expr | None:
        """What it is bound to first, where that is one expression."""
        if isinstance(self.node, ast.Assign | ast.AnnAssign):
            return self.node.value
        return self.default

    def annotated(self, spelling: Spelling, said: str, prior: float) -> Way | None:
        """The way that gives it this annotation in place of what it has."""
        edit = self._edit(spelling.text)
        if edit is None:
            return None
        path = self.source.path
        names = tuple((path, module, name) for module, name in spelling.names)
        return Way(said, prior, ((path, edit),), names)

    def _edit(self, text: str) -> Edit | None:
        if self.annotation is not None:
            return Edit(*self.source.span(self.annotation), text)
        _, end = self.source.span(self.target)
        if isinstance(self.node, ast.arg):
            if self.default is None:
                return Edit(end, end, f": {text}")
            start, _ = self.source.span(self.default)
            return Edit(end, start, f": {text} = ")
        if isinstance(self.node, ast.Assign) and self.node.targets == [self.target]:
            return Edit(end, end, f": {text}")
        return before(self.source, self.node, f"{self.source.segment(self.target)}: {text}")


def declaration(source: Source, node: ast.AST) -> Declaration | None:
    """The declaration of a name, of `self.attribute`, or of a class's own attribute, if this file has it."""
    if isinstance(node, ast.Name):
        return _of_name(source, node)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return _of_attribute(source, node)
    return None


def parameters(function: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """All parameters with their defaults, in the order in which they stand."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    yield from zip(positional, defaults, strict=True)
    if a.vararg:
        yield a.vararg, None
    yield from zip(a.kwonlyargs, a.kw_defaults, strict=True)
    if a.kwarg:
        yield a.kwarg, None


def of_parameter(source: Source, function: Function, name: str) -> Declaration | None:
    """The declaration of a function's parameter."""
    for arg, default in parameters(function):
        if arg.arg == name:
            return Declaration(source, arg, arg, arg.annotation, default)
    return None


def _of_name(source: Source, name: ast.Name) -> Declaration | None:
    function = source.function(name)
    while function is not None:
        found = of_parameter(source, function, name.id) or _bound(source, function, name.id)
        if found:
            return found
        function = source.function(function)
    return _bound(source, source.tree, name.id)


def _bound(source: Source, scope: Function | ast.Module, name: str) -> Declaration | None:
    """The annotated assignment of a name in a scope, else the first statement that binds it."""
    found = [d for node in _statements(scope) for d in _bindings(source, node) if _is_name(d.target, name)]
    return next((d for d in found if d.annotation), found[0] if found else None)


def _is_name(target: ast.expr | ast.arg, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _of_attribute(source: Source, attribute: ast.Attribute) -> Declaration | None:
    """As the class around it declares it; of another object, as the only class of the file that has it does."""
    owner = next((n for n in source.ancestors(attribute) if isinstance(n, ast.ClassDef)), None)
    if owner is not None and ast.unparse(attribute.value) in ("self", "cls", owner.name):
        return _in_class(source, owner, attribute)
    every = (n for n in ast.walk(source.tree) if isinstance(n, ast.ClassDef))
    found = [d for node in every if (d := _in_class(source, node, attribute))]
    return found[0] if len(found) == 1 else None


def _in_class(source: Source, owner: ast.ClassDef, attribute: ast.Attribute) -> Declaration | None:
    found = []
    for node in (n for n in ast.walk(owner) if isinstance(n, ast.stmt)):
        in_body = node in owner.body
        for d in _bindings(source, node):
            if (in_body and _is_name(d.target, attribute.attr)) or _is_own(d.target, attribute.attr):
                found.append(d)
    return next((d for d in found if d.annotation), found[0] if found else None)


def _is_own(target: ast.expr | ast.arg, name: str) -> bool:
    match target:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr):
            return attr == name
    return False


def _bindings(source: Source, node: ast.stmt) -> Iterator[Declaration]:
    """What a statement binds, each target by itself."""
    targets: list[ast.expr] = []
    match node:
        case ast.AnnAssign():
            yield Declaration(source, node.target, node, node.annotation)
        case ast.Assign():
            targets = node.targets
        case ast.For() | ast.AsyncFor():
            targets = [node.target]
        case ast.With() | ast.AsyncWith():
            targets = [item.optional_vars for item in node.items if item.optional_vars]
    for target in targets:
        for one in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            yield Declaration(source, one, node, None)


def _statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a scope in order, those of nested functions and classes left out."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case) and not _is_scope(node):
            yield from _statements(node)


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, Function | ast.ClassDef)
