"""Types as a checker says them → annotations as a file would write them."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llm.fixers.python_search.edits import Source
from llm.fixers.python_search.symbols import module_name
from llm.fixers.python_types.code import Code

Names = tuple[tuple[str, str], ...]
"""Imports that a text needs: (module, name)."""

_TYPING = {"Any", "BinaryIO", "ClassVar", "IO", "Literal", "Optional", "TextIO", "TypeVar", "Union", "cast"}
_ABSTRACT = {
    *("Awaitable", "AsyncIterable", "AsyncIterator", "AsyncGenerator", "Callable", "Collection", "Container"),
    *("Coroutine", "Generator", "Hashable", "ItemsView", "Iterable", "Iterator", "KeysView", "Mapping"),
    *("MutableMapping", "MutableSequence", "MutableSet", "Reversible", "Sequence", "Sized", "ValuesView"),
}
_LIBRARY = {"Path": "pathlib", "Decimal": "decimal", "ModuleType": "types", "TracebackType": "types"}
_GUESSED_LITERAL = re.compile(r"Literal\[([^\[\]]+)\]\?")
_FUNCTION = re.compile(r"def (?:\[.*?\] )?\([^()]*\) -> ")
_UNSPEAKABLE = re.compile(r"<|`|@|\bNever\b|\bNoReturn\b|\boverloaded\b|\bModule\b|\.\.\.\]?\)|\b_\w+\b")
_WRITES_OPTIONAL = re.compile(
    r"\bimport\b[^#\n]*\b(?:Optional|Union)\b|^\s+(?:Optional|Union),$|\bOptional\[", re.M
)
_MOST_CHARS = 160


@dataclass(frozen=True, slots=True)
class Spelling:
    """The text of an annotation and the imports that it needs."""

    text: str
    names: Names = ()


def spelled(code: Code, source: Source, said: str) -> Spelling | None:
    """A checker's type as an annotation of this file, None where it cannot be written there."""
    said = _FUNCTION.sub("Callable[..., ", _GUESSED_LITERAL.sub(_type_of_literal, said)).replace("builtins.", "")
    said = said + "]" * (said.count("[") - said.count("]"))
    if len(said) > _MOST_CHARS or _UNSPEAKABLE.search(said):
        return None
    try:
        node = ast.parse(said, mode="eval").body
    except SyntaxError:
        return None
    return _checked(code, source, ast.unparse(node if pipes(code, source) else _Old().visit(node)))


def widened(code: Code, source: Source, annotation: ast.expr, extra: str) -> Spelling | None:
    """An annotation with another type (a checker's words, or `None`) allowed beside it; None where it has it."""
    more = spelled(code, source, extra)
    old = annotation.value if isinstance(annotation, ast.Constant) else source.segment(annotation)
    if more is None or not isinstance(old, str):
        return None
    try:
        parts = set(_parts(ast.parse(old, mode="eval").body))
        new = [part for part in _parts(ast.parse(more.text, mode="eval").body) if part not in parts]
    except SyntaxError:
        return None
    if not new:
        return None
    if pipes(code, source):
        text = " | ".join([old, *new])
        return Spelling(f'"{text}"' if isinstance(annotation, ast.Constant) else text, more.names)
    old = source.segment(annotation)
    only_none = new == ["None"]
    text = f"Optional[{old}]" if only_none else f"Union[{', '.join([*_inside_union(old), *new])}]"
    checked = _checked(code, source, text)
    return checked and Spelling(text, (*more.names, *checked.names))


def pipes(code: Code, source: Source) -> bool:
    """Whether a file writes `X | None` rather than `Optional[X]`: as it does, else as the workspace does."""
    if source.path.endswith(".pyi") or re.search(r"^from __future__ import .*\bannotations\b", source.text, re.M):
        return True
    if _WRITES_OPTIONAL.search(source.text):
        return False
    return any("| None" in text for path, text in code.texts.items() if path.endswith(".py"))


class _Old(ast.NodeTransformer):
    """`X | None` → `Optional[X]`, `X | Y` → `Union[X, Y]`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        parts = list(_parts(self.generic_visit(node)))
        rest = [part for part in parts if part != "None"]
        text = ", ".join(rest)
        text = f"Union[{text}]" if len(rest) > 1 else text
        return ast.parse(f"Optional[{text}]" if len(rest) < len(parts) else text, mode="eval").body


def _parts(node: ast.AST) -> Iterator[str]:
    """The members of a union, each as text."""
    match node:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            yield from _parts(inner)
            yield "None"
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=members)):
            for member in members:
                yield from _parts(member)
        case _:
            yield ast.unparse(node)


def _inside_union(text: str) -> list[str]:
    node = ast.parse(text, mode="eval").body
    match node:
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=members)):
            return [ast.unparse(member) for member in members]
    return [text]


def _type_of_literal(match: re.Match[str]) -> str:
    try:
        return type(ast.literal_eval(match[1])).__name__
    except (ValueError, SyntaxError):
        return "object"


def _checked(code: Code, source: Source, text: str) -> Spelling | None:
    """With the imports for what the file does not have; None for a name that nobody knows."""
    needed: dict[tuple[str, str], None] = {}
    bound = bound_names(source)
    for name in _roots(ast.parse(text, mode="eval")):
        if name in bound or hasattr(builtins, name):
            continue
        home = _home(code, source, name)
        if not home:
            return None
        needed[home, name] = None
    return Spelling(text, tuple(needed))


def _roots(tree: ast.AST) -> Iterable[str]:
    return dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))


def _home(code: Code, source: Source, name: str) -> str:
    if name in _TYPING:
        return "typing"
    if name in _ABSTRACT:
        return "typing" if re.search(r"^from typing import", source.text, re.M) else "collections.abc"
    if name in _LIBRARY:
        return _LIBRARY[name]
    homes = [s.path for s, node in code.classes(name) if node in s.tree.body]
    return module_name(homes[0], code.texts) if len(homes) == 1 and homes[0] != source.path else ""


def bound_names(source: Source) -> frozenset[str]:
    """Names that the top level of a file defines or imports, wherever in `if` or `try` it does."""
    found: set[str] = set()
    pending: list[ast.stmt] = list(source.tree.body)
    while pending:
        node = pending.pop()
        match node:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name.split(".")[0] for alias in names}
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {t.id for t in targets if isinstance(t, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.If() | ast.Try():
                pending += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
                pending += [n for h in getattr(node, "handlers", ()) for n in h.body]
    return frozenset(found)
