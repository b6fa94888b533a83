"""Edits of whole classes: what their objects cannot do yet. Each takes a site and a node and yields edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm.fixers.python_search.edits import Edit
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
            for place, field in enumerate(fields[:_MOST_FIELDS]):
                weight = 1.0 - 0.05 * rank - 0.1 * place
                yield from _method(site, node, f"def {name}({parameters}):", result.format(field), weight)
    if "__eq__" not in defined and fields:
        same = " and ".join(f"{field} == other{field.removeprefix('self')}" for field in fields)
        equal = f"isinstance(other, {node.name}) and {same}"
        yield from _method(site, node, "def __eq__(self, other):", equal, 0.6)


def _method(site: Site, node: ast.ClassDef, head: str, result: str, weight: float) -> Iterator[Edit]:
    first = site.source.indent(node.body[0])
    unit = first.removeprefix(site.source.indent(node))
    if edit := site.line_after(node.body[-1], ("", head, f"{unit}return {result}"), weight):
        yield edit


def _fields(node: ast.ClassDef) -> tuple[str, ...]:
    """What `__init__` stores in the object, as `self.name`; else what the class annotates."""
    made = next(
        (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None
    )
    stored = ast.walk(made) if made else ()
    names = [ast.unparse(n) for n in stored if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    own = [name for name in names if name.startswith("self.") and name.count(".") == 1]
    if made is None:
        targets = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
        own = [f"self.{target.id}" for target in targets if isinstance(target, ast.Name)]
    return tuple(dict.fromkeys(own))
