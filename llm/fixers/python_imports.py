"""Adds the import that a name lacks, and mends imports of a wrong module or a misspelt one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from llm.domain import Candidate
from llm.fixers.base import RedState
from llm.fixers.python_search.add_import import add_import
from llm.fixers.python_search.complaints import NO_MEMBER, NO_MODULE, UNDEFINED, Complaint, complaints
from llm.fixers.python_search.edits import Edit, Source
from llm.fixers.python_search.locate import is_test_file
from llm.fixers.python_search.symbols import Symbols, ask_interpreter, module_name, near
from llm.workspace.diff import make_diff

_MOST_WAYS = 4
_PRIOR = 0.9

Way = tuple[str, str]
"""An import: module, and the attribute of it or "" for the module itself."""


class PythonImports:
    """Missing and wrong imports of Python modules."""

    name = "python imports"
    rank = 20

    def wants(self, red: RedState) -> bool:
        """Something undefined or not importable is complained of."""
        return any(True for _ in complaints(red, *UNDEFINED, *NO_MODULE, *NO_MEMBER))

    def missing(self, red: RedState) -> str:
        """Nothing: it needs only the workspace's own interpreter."""
        return ""

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """All missing imports at once, each by its likeliest way; then other ways, one at a time."""
        symbols = Symbols(red.files)
        yield from _missing_names(red, symbols)
        yield from _wrong_imports(red, symbols)


def _missing_names(red: RedState, symbols: Symbols) -> Iterator[Candidate]:
    wanted = dict.fromkeys(_wanted(red, symbols))
    if not wanted:
        return
    answer = ask_interpreter(red, (n for _, n in wanted), (n for _, n in wanted), ())
    ways = {key: list(islice(_ways(symbols, *key, answer), _MOST_WAYS)) for key in wanted}
    ways = {key: found for key, found in ways.items() if found}
    if not ways:
        return
    yield _with_imports(red, symbols, {key: found[0] for key, found in ways.items()}, _PRIOR)
    for key, found in ways.items():
        for rank, way in enumerate(found[1:], 1):
            chosen = {other: options[0] for other, options in ways.items()} | {key: way}
            yield _with_imports(red, symbols, chosen, _PRIOR - 0.05 * rank)


def _wanted(red: RedState, symbols: Symbols) -> Iterator[tuple[str, str]]:
    """(path, name) of undefined names in the workspace's own files."""
    for complaint in complaints(red, *UNDEFINED):
        name = complaint.found["name"]
        paths = [complaint.path] if name in symbols.unbound(complaint.path) else list(symbols.sources)
        for path in paths:
            if name in symbols.unbound(path) and not is_test_file(path):
                yield path, name


def _ways(symbols: Symbols, path: str, name: str, answer: Mapping[str, Any]) -> Iterator[Way]:
    """Imports that would define a name: as other files do, from the workspace, from the library, as a module."""
    tried: set[Way] = set()
    for way in _all_ways(symbols, path, name, answer):
        if way not in tried:
            tried.add(way)
            yield way


def _all_ways(symbols: Symbols, path: str, name: str, answer: Mapping[str, Any]) -> Iterator[Way]:
    yield from symbols.usual_imports(name)
    for other, exported in symbols.exports.items():
        if name in exported and other != path and not is_test_file(other):
            yield _reachable(symbols, path, other), name
    if name in answer["library"]:
        yield name, ""
    yield from ((module, name) for module in answer["homes"].get(name, ()))
    if name in symbols.modules and symbols.modules[name] != path:
        yield name, ""
    for module, other in symbols.modules.items():
        if module.endswith(f".{name}") and not is_test_file(other):
            yield module.rpartition(".")[0], name
    if name in answer["importable"]:
        yield name, ""


def _reachable(symbols: Symbols, path: str, other: str) -> str:
    """The other file's module as this file would name it: relative where this file already does so."""
    source = symbols.sources[path]
    relative = any(isinstance(n, ast.ImportFrom) and n.level == 1 for n in source.tree.body)
    if relative and PurePosixPath(path).parent == PurePosixPath(other).parent:
        return f".{PurePosixPath(other).stem}"
    return module_name(other, symbols.sources)


def _with_imports(
    red: RedState, symbols: Symbols, chosen: Mapping[tuple[str, str], Way], prior: float
) -> Candidate:
    own = {module.split(".")[0] for module in symbols.modules}
    after = dict(red.files)
    for (path, name), (module, attribute) in chosen.items():
        edit = add_import(Source(path, after[path]), module, attribute, name, own)
        after[path] = edit.apply(after[path])
    said = ", ".join(f"{module}.{a}" if a else module for module, a in dict.fromkeys(chosen.values()))
    return _candidate(red, after, f"import {said}", prior)


def _candidate(red: RedState, after: Mapping[str, str], origin: str, prior: float) -> Candidate:
    changed = [path for path, text in after.items() if red.files[path] != text]
    diff = make_diff({p: red.files[p] for p in changed}, {p: after[p] for p in changed})
    return Candidate(diff=diff, origin=origin, prior=prior)


def _wrong_imports(red: RedState, symbols: Symbols) -> Iterator[Candidate]:
    for complaint in complaints(red, *NO_MODULE):
        wrong = complaint.found["module"]
        for rank, (path, edit, said) in enumerate(_other_modules(symbols, wrong)):
            yield _edited(red, path, edit, said, rank)
    for complaint in complaints(red, *NO_MEMBER):
        for rank, (path, edit, said) in enumerate(_other_members(red, symbols, complaint)):
            yield _edited(red, path, edit, said, rank)


def _edited(red: RedState, path: str, edit: Edit, said: str, rank: int) -> Candidate:
    return _candidate(red, {**red.files, path: edit.apply(red.files[path])}, said, _PRIOR - 0.05 * min(rank, 8))


def _other_modules(symbols: Symbols, wrong: str) -> Iterator[tuple[str, Edit, str]]:
    """For each import of a module that does not exist: its full or relative name, then names spelt like it."""
    known = [m for m, path in symbols.modules.items() if not is_test_file(path)]
    longer = [m for m in known if m.endswith(f".{wrong}") or m == wrong.removeprefix("src.")]
    alike = near(wrong, [*known, *sys.stdlib_module_names])
    for path, source in symbols.sources.items():
        if is_test_file(path):
            continue
        sibling = f"{PurePosixPath(path).parent / wrong}.py".removeprefix("./")
        for node in ast.walk(source.tree):
            for start, end, from_import in _spans_of(source, node, wrong):
                relative = [f".{wrong}"] if from_import and sibling in symbols.sources else []
                for right in dict.fromkeys([*longer, *relative, *alike]):
                    yield path, Edit(start, end, right), f"import {right} instead of {wrong}"


def _spans_of(source: Source, node: ast.AST, module: str) -> Iterator[tuple[int, int, bool]]:
    """Where a module's name stands in an import statement."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name == module:
                start, _ = source.span(alias)
                yield start, start + len(module), False
    elif isinstance(node, ast.ImportFrom) and node.module == module and node.level == 0:
        start, end = source.span(node)
        at = source.text.index(module, start + len("from"), end)
        yield at, at + len(module), True


def _other_members(red: RedState, symbols: Symbols, complaint: Complaint) -> Iterator[tuple[str, Edit, str]]:
    """For each `from module import name` that fails: where the name is really, then names spelt like it."""
    name, module = complaint.found["name"], complaint.found.get("module", "")
    homes = [p for p, exported in symbols.exports.items() if name in exported and not is_test_file(p)]
    answer = ask_interpreter(red, [name], (), [module])
    for path, source in symbols.sources.items():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ImportFrom) or is_test_file(path) or not _imports(node, name, module):
                continue
            alias = next(a for a in node.names if a.name == name)
            if len(node.names) == 1:
                for right in (*(module_name(h, symbols.sources) for h in homes), *answer["homes"].get(name, ())):
                    yield path, _whole(source, node, f"from {right} import {name}"), f"import {name} from {right}"
            origin = symbols.modules.get(module)
            exported = symbols.exports.get(origin, ()) if origin else answer["members"].get(module, ())
            for right in near(name, exported):
                start, _ = source.span(alias)
                kept = "" if alias.asname else f" as {name}"
                yield path, Edit(start, start + len(name), right + kept), f"import {right} instead of {name}"


def _imports(node: ast.ImportFrom, name: str, module: str) -> bool:
    last = (node.module or "").split(".")[-1]
    return any(a.name == name for a in node.names) and (not module or module.split(".")[-1] in (last, module))


def _whole(source: Source, node: ast.stmt, text: str) -> Edit:
    start, end = source.span(node)
    return Edit(start, end, text)


FIXER: PythonImports = PythonImports()
