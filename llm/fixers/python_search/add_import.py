"""Where and how a missing import goes into a file, in the file's own style."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection

from llm.fixers.python_search.edits import Edit, Source

_FUTURE, _LIBRARY, _INSTALLED, _OWN = range(4)


def add_import(source: Source, module: str, name: str, asname: str, own: Collection[str]) -> Edit:
    """The edit that makes `asname` available: `import module` (name ""), or `from module import name`.

    `own` are the workspace's top-level module names. An existing `from module import …` is extended.
    """
    imports = [n for n in source.tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in imports:
        if name and isinstance(node, ast.ImportFrom) and _module(node) == module and node.names[0].name != "*":
            return _extend(source, node, _alias(name, asname))
    line = f"from {module} import {_alias(name, asname)}" if name else f"import {_alias(module, asname)}"
    if not imports:
        return _first_import(source, line)
    return _beside(source, imports, line, own)


def _alias(name: str, asname: str) -> str:
    return name if asname == name or not asname else f"{name} as {asname}"


def _module(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


def _extend(source: Source, node: ast.ImportFrom, alias: str) -> Edit:
    """In order if the names are in order, else at the end; one name a line where it is so."""
    names = [a.name for a in node.names]
    after = len(names)
    if names == sorted(names):
        after = sum(n < alias for n in names)
    last = node.names[min(after, len(names) - 1)]
    start, end = source.span(last)
    several_lines = len(names) > 1 and node.names[0].lineno != node.names[-1].lineno
    gap = source.newline + " " * last.col_offset if several_lines else " "
    if after < len(names):
        return Edit(start, start, f"{alias},{gap}")
    return Edit(end, end, f",{gap}{alias}")


def _beside(source: Source, imports: list[ast.Import | ast.ImportFrom], line: str, own: Collection[str]) -> Edit:
    """After the last import that sorts before it, in its group; a new group gets a blank line."""
    new = _key(ast.parse(line).body[0], own)
    keys = [_key(node, own) for node in imports]
    before = [node for node, key in zip(imports, keys, strict=True) if key < new]
    same_group = new[0] in [key[0] for key in keys]
    blank = "" if same_group else source.newline
    if before:
        _, at = source.line_span(before[-1])
        lead = "" if source.text[at - 1 : at] in ("\n", "\r") else source.newline
        return Edit(at, at, f"{lead}{blank}{line}{source.newline}")
    at, _ = source.line_span(imports[0])
    return Edit(at, at, f"{line}{source.newline}{blank}")


def _key(node: ast.stmt, own: Collection[str]) -> tuple[int, bool, str]:
    if isinstance(node, ast.ImportFrom):
        return _group(_module(node), own), True, _module(node)
    assert isinstance(node, ast.Import)
    return _group(node.names[0].name, own), False, node.names[0].name


def _group(module: str, own: Collection[str]) -> int:
    top = module.split(".")[0]
    if module == "__future__":
        return _FUTURE
    if not top or top in own:
        return _OWN
    return _LIBRARY if top in sys.stdlib_module_names else _INSTALLED


def _first_import(source: Source, line: str) -> Edit:
    """Below the docstring, or below the comments at the top of a file without one."""
    body = source.tree.body
    end_of_line = source.newline
    if body and ast.get_docstring(source.tree, clean=False) is not None:
        _, at = source.line_span(body[0])
        rest = source.text[at:]
        blank = "" if rest.startswith(("\n", "\r")) or not rest else end_of_line
        return Edit(at, at, f"{end_of_line}{line}{end_of_line}{blank}")
    at = source.offset(1, 0)
    for text in source.text[at:].splitlines(keepends=True):
        if not text.startswith("#"):
            break
        at += len(text)
    rest = source.text[at:]
    follows_definition = rest.startswith(("def ", "class ", "@", "async "))
    gap = end_of_line * (2 if follows_definition else 1) if not rest.startswith(("\n", "\r")) else ""
    return Edit(at, at, f"{line}{end_of_line}{gap}")
