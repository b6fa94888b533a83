"""By which words of its text a change looks at what calls it, and not only at what it is called with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from llm.behaviour.changed import Texts, trees
from llm.workspace.tampering import FRAMES

_SENSES = FRAMES | {"format_stack", "get_objects", "get_referrers", "orig_argv", "getenv"}
_OF_MODULES = frozenset(("argv", "environ", "stack"))
"""These are words of many programs: they count where they are asked of a module."""
_LOADED = "modules"
"""That something is loaded tells of a test; who takes it from there wants something else of it."""
_ASKED_AS = {"environ": "env", "getenv": "env"}


def senses(before: Texts, version: Texts, tests: Iterable[str]) -> str:
    """A word by which a version looks at what calls it, where neither the original nor a test has it, or "".

    A test that sets `environ` or `argv` itself asks for what is read from there.
    """
    said = " ".join(tests)
    new = _words(version) - _words({path: before.get(path) for path in version})
    return next((word for word in sorted(new) if _ASKED_AS.get(word, word) not in said), "")


def _words(texts: Texts) -> frozenset[str]:
    return frozenset(word for tree in trees(texts) for word in _of_tree(tree))


def _of_tree(tree: ast.Module) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    imported = {alias.asname or alias.name for node in nodes if isinstance(node, _IMPORTS) for alias in node.names}
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=word) if name in imported and word in _OF_MODULES:
                yield word
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Attribute(attr=word)]):
                yield from {word} & {_LOADED}
            case ast.alias(name=word) if word in _OF_MODULES:
                yield word
            case ast.Call(func=ast.Name(id="getattr"), args=[_, text, *_]) if _joined(text) in _OF_MODULES:
                yield _joined(text)
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word) if word in _SENSES:
                yield word
            case ast.Constant() | ast.BinOp() if _joined(node) in _SENSES:
                yield _joined(node)


_IMPORTS = (ast.Import, ast.ImportFrom)


def _joined(node: ast.expr) -> str:
    """A text, put together where it is written in parts."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined(left) + _joined(right)
        case ast.Constant(value=str(word)):
            return word
    return "\0"
