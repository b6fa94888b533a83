"""Puts right misspelt names, attributes and keyword arguments, by what is spelt alike where they are used."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from llm.domain import Candidate
from llm.fixers.base import RedState
from llm.fixers.python_search.complaints import (
    NO_ATTRIBUTE,
    NO_KEYWORD,
    NO_MEMBER,
    UNASSIGNED,
    UNDEFINED,
    Complaint,
    complaints,
)
from llm.fixers.python_search.edits import Edit, Source, candidate_of
from llm.fixers.python_search.ingredients import Scope
from llm.fixers.python_search.locate import is_test_file
from llm.fixers.python_search.symbols import Symbols, ask_interpreter, distance, near

_USE_PRIOR = 0.9
_DEFINITION_PRIOR = 0.6
"""One use that is misspelt is likelier than a definition that is, and a rename may reach what no test sees."""
_PER_LETTER = 0.05
_PER_PLACE = 0.002

N = TypeVar("N", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class _Change:
    """Edits of one file, what they do in words, and how likely that is meant."""

    path: str
    edits: tuple[Edit, ...]
    said: str
    prior: float


class PythonNames:
    """Misspelt names of all kinds."""

    name = "python names"
    rank = 25

    def wants(self, red: RedState) -> bool:
        """Something unknown is complained of by name."""
        return any(True for _ in complaints(red, *UNDEFINED, *UNASSIGNED, *NO_ATTRIBUTE, *NO_KEYWORD, *NO_MEMBER))

    def missing(self, red: RedState) -> str:
        """Nothing."""
        return ""

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """One candidate a complaint and near name: uses before definitions, the nearest spelling first."""
        seen: set[tuple[str, tuple[Edit, ...]]] = set()
        likeliest = sorted(_changes(red, Symbols(red.files)), key=lambda change: -change.prior)
        for rank, change in enumerate(likeliest):
            path, edits = change.path, change.edits
            if (path, edits) not in seen and not is_test_file(path):
                seen.add((path, edits))
                before, prior = red.files[path], max(change.prior - _PER_PLACE * rank, 0.1)
                yield candidate_of(path, before, _apply(before, edits), change.said, prior)


def _apply(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        text = edit.apply(text)
    return text


def _use(path: str, edits: tuple[Edit, ...], complaint: Complaint, right: str, said: str) -> _Change:
    """A use put right. What the tool itself suggests counts as one letter off."""
    far = 1 if right == complaint.found.get("hint") else distance(complaint.found["name"], right)
    return _Change(path, edits, said, max(_USE_PRIOR - _PER_LETTER * far, _DEFINITION_PRIOR + _PER_LETTER))


def _definition(path: str, edits: tuple[Edit, ...], old: str, new: str, said: str) -> _Change:
    return _Change(path, edits, said, max(_DEFINITION_PRIOR - _PER_LETTER * (distance(old, new) - 1), 0.3))


def _changes(red: RedState, symbols: Symbols) -> Iterator[_Change]:
    for complaint in complaints(red, *UNDEFINED, *UNASSIGNED):
        yield from _other_names(symbols, complaint)
    for complaint in complaints(red, *NO_ATTRIBUTE):
        yield from _other_attributes(red, symbols, complaint)
    for complaint in complaints(red, *NO_KEYWORD):
        yield from _other_keywords(symbols, complaint)
    for complaint in complaints(red, *NO_MEMBER):
        module = complaint.found.get("module", "")
        yield from _renamed_definition(symbols, symbols.modules.get(module, ""), complaint)


def _nearest(complaint: Complaint, names: Iterator[str] | list[str]) -> list[str]:
    """The tool's own hint first."""
    hint = complaint.found.get("hint")
    return list(dict.fromkeys([*([hint] if hint else []), *near(complaint.found["name"], names)]))


def _places(symbols: Symbols, complaint: Complaint) -> Iterator[Source]:
    """The file that the complaint points at, else all that are not tests."""
    if complaint.path in symbols.sources:
        yield symbols.sources[complaint.path]
    else:
        yield from (source for path, source in symbols.sources.items() if not is_test_file(path))


def _near_line(nodes: list[N], line: int) -> list[N]:
    """Those on the complaint's line, where there are any."""
    return [n for n in nodes if getattr(n, "lineno", 0) <= line <= (getattr(n, "end_lineno", 0) or 0)] or nodes


def _other_names(symbols: Symbols, complaint: Complaint) -> Iterator[_Change]:
    name = complaint.found["name"]
    for source in _places(symbols, complaint):
        found: list[ast.AST] = [n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.id == name]
        for node in _near_line(found, complaint.line)[:1]:
            scope = Scope(source, source.function(node))
            module = (*symbols.exports[source.path], *scope.globals, *_imported_names(source))
            for right in _nearest(complaint, [*scope.locals, *module, *dir(builtins)]):
                edits = tuple(Edit(*source.span(n), right) for n in found if isinstance(n, ast.Name))
                yield _use(source.path, edits, complaint, right, f"{right} instead of {name}")
        if found and name in symbols.exports.get(source.path, ()):
            continue
        yield from _renamed_definition(symbols, source.path, complaint) if found else ()


def _imported_names(source: Source) -> list[str]:
    nodes = [n for n in ast.walk(source.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return [alias.asname or alias.name.split(".")[0] for node in nodes for alias in node.names]


def _other_attributes(red: RedState, symbols: Symbols, complaint: Complaint) -> Iterator[_Change]:
    name, owner = complaint.found["name"], complaint.found["owner"].split(".")[-1]
    known = _attributes_of(red, symbols, complaint.found["owner"], "module" in complaint.found)
    for source in _places(symbols, complaint):
        found: list[ast.AST] = [
            n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr == name
        ]
        chosen = _near_line(found, complaint.line)
        for right in _nearest(complaint, known):
            edits = tuple(_last_name(source, n, name, right) for n in chosen if isinstance(n, ast.Attribute))
            if edits:
                yield _use(source.path, edits, complaint, right, f".{right} instead of .{name}")
    for path in dict.fromkeys(path for path, _ in symbols.classes(owner)):
        yield from _renamed_definition(symbols, path, complaint)
    if "module" in complaint.found:
        yield from _renamed_definition(symbols, symbols.modules.get(complaint.found["owner"], ""), complaint)


def _last_name(source: Source, node: ast.Attribute, old: str, new: str) -> Edit:
    _, end = source.span(node)
    return Edit(end - len(old), end, new)


def _attributes_of(red: RedState, symbols: Symbols, owner: str, is_module: bool) -> list[str]:
    """Attributes of a class of the workspace (its bases too), of a built-in type, or of a module."""
    if is_module:
        path = symbols.modules.get(owner)
        return list(
            symbols.exports[path] if path else ask_interpreter(red, (), (), [owner])["members"].get(owner, ())
        )
    name = owner.split(".")[-1]
    known = [n for n in dir(getattr(builtins, name, object)) if not n.startswith("__")]
    pending, done = [name], set()
    while pending:
        current = pending.pop()
        done.add(current)
        for _, node in symbols.classes(current):
            known += _members(node)
            pending += [b.id for b in node.bases if isinstance(b, ast.Name) and b.id not in done]
    return known


def _members(owner: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(owner):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def _other_keywords(symbols: Symbols, complaint: Complaint) -> Iterator[_Change]:
    name, owner = complaint.found["name"], complaint.found.get("owner", "")
    owner = complaint.found.get("of", owner) if owner == "__init__" else owner
    functions = list(symbols.functions(owner))
    for source in _places(symbols, complaint):
        keywords: list[ast.AST] = [
            k for k in ast.walk(source.tree) if isinstance(k, ast.keyword) and k.arg == name
        ]
        for node in _near_line(keywords, complaint.line):
            for right in _nearest(complaint, [p for _, function in functions for p in _parameters(function)]):
                assert isinstance(node, ast.keyword)
                start, _ = source.span(node)
                edit = Edit(start, start + len(name), right)
                yield _use(source.path, (edit,), complaint, right, f"{right}= instead of {name}=")
    for path, function in functions:
        for old in near(name, _parameters(function)):
            renamed = _renamed(symbols.sources[path], function, old, name)
            yield _definition(path, renamed, old, name, f"parameter {name} instead of {old}")


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    a = function.args
    return [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs) if x.arg not in ("self", "cls")]


def _renamed_definition(symbols: Symbols, path: str, complaint: Complaint) -> Iterator[_Change]:
    """What is asked for is right, and its definition is misspelt: rename that, and its uses in the file."""
    source, name = symbols.sources.get(path), complaint.found["name"]
    if source is None:
        return
    names = [n.name for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    names += [n.attr for n in ast.walk(source.tree) if isinstance(n, ast.Attribute)]
    names += [
        *symbols.exports[path],
        *(m for n in source.tree.body if isinstance(n, ast.ClassDef) for m in _members(n)),
    ]
    for old in near(name, names):
        edits = _renamed(source, source.tree, old, name)
        yield _definition(path, edits, old, name, f"{name} for {old}, wherever it stands")


def _renamed(source: Source, inside: ast.AST, old: str, new: str) -> tuple[Edit, ...]:
    """Every use of a name as a name, attribute, argument, keyword or definition."""
    edits: dict[int, Edit] = {}
    for node in ast.walk(inside):
        at = _name_offset(source, node, old)
        if at is not None:
            edits[at] = Edit(at, at + len(old), new)
    return tuple(edits.values())


def _name_offset(source: Source, node: ast.AST, old: str) -> int | None:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=name) if name == old:
            return source.span(node)[0]
        case ast.Attribute(attr=name) if name == old:
            return source.span(node)[1] - len(old)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if name == old:
            found = re.compile(rf"(?:def|class)\s+(?={old}\b)").search(
                source.text, source.offset(node.lineno, node.col_offset)
            )
            return found.end() if found else None
    return None


FIXER: PythonNames = PythonNames()
