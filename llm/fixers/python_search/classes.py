"""Edits of whole classes: what their objects cannot do yet. Each takes a site and a node and yields edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.ingredients import attributes_of_self
from llm.fixers.python_search.site import Site

_HANDED_ON = (
    ("__iter__", "self", "iter({})"),
    ("__len__", "self", "len({})"),
    ("__contains__", "self, item", "item in {}"),
    ("__getitem__", "self, key", "{}[key]"),
    ("__hash__", "self", "hash({})"),
    ("__bool__", "self", "bool({})"),
    ("__str__", "self", "str({})"),
)
_MOST_FIELDS = 4


def hand_on(site: Site, node: ast.ClassDef) -> Iterator[Edit]:
    """A special method that a class lacks, handed on to one of its attributes; or it is equal by all of them."""
    defined = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    fields = _fields(node)
    for rank, (name, parameters, result) in enumerate(_HANDED_ON):
        # Whoever is compared by what it holds is hashed by that; all others have a hash that does well.
        if name not in defined and (name != "__hash__" or "__eq__" in defined):
            likely = 1.0 if (node.name, name) in site.scope.words.lacking else 0.5 - 0.03 * rank
            for place, field in enumerate(fields[:_MOST_FIELDS]):
                weight = likely * (1.0 - 0.1 * place)
                yield from _method(site, node, f"def {name}({parameters}):", result.format(field), weight)
    if "__eq__" not in defined and fields:
        same = " and ".join(f"{field} == other{field.removeprefix('self')}" for field in fields)
        equal = f"isinstance(other, {node.name}) and {same}"
        yield from _method(site, node, "def __eq__(self, other):", equal, 0.3)


def _method(site: Site, node: ast.ClassDef, head: str, result: str, weight: float) -> Iterator[Edit]:
    if edit := site.line_after(node.body[-1], ("", head, f"{site.source.step(node)}return {result}"), weight):
        yield edit


def _fields(node: ast.ClassDef) -> tuple[str, ...]:
    """What a class annotates and its methods store in the object, else what they read of it; as `self.name`."""
    methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    annotated = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
    names = [target.id for target in annotated if isinstance(target, ast.Name)]
    own = list(attributes_of_self(node))
    names += [n.attr for n in own if isinstance(n.ctx, ast.Store)]
    names = names or [n.attr for n in own if n.attr not in methods and not n.attr.startswith("__")]
    return tuple(f"self.{name}" for name in dict.fromkeys(names))
