"""Code and text that stand for files of the workspace, and edits that compile one statement instead of a file."""

import ast
import bisect
import dis
import gc
import importlib.util
import os
import re
import types
from importlib.machinery import SourceFileLoader

CODE = {}
"""Absolute path → code object that stands for that file."""
TEXT = {}
"""Absolute path → the source that `inspect` and tracebacks are shown for it."""
_OWN_WAYS = ("__main__", "conftest")
"""Names of modules that are not found by their name alone."""


def serve_code():
    """Make the import system take code and text from `CODE` and `TEXT` first."""
    read_code, read_data = SourceFileLoader.get_code, SourceFileLoader.get_data

    def get_code(self, fullname):
        code = CODE.get(os.path.abspath(self.path))
        return read_code(self, fullname) if code is None else code

    def get_data(self, path):
        text = TEXT.get(os.path.abspath(path))
        return read_data(self, path) if text is None else text.encode("utf-8")

    SourceFileLoader.get_code = get_code
    SourceFileLoader.get_data = get_data


class KnownModules:
    """An importer that finds modules again where they were found before (name → path), without asking the disk."""

    def __init__(self, found):
        self.known = {name: path for name, path in found.items() if path in CODE and name not in _OWN_WAYS}

    def find_spec(self, name, path=None, target=None):
        """A fresh spec for a module that is known."""
        if name not in self.known:
            return None
        file = self.known[name]
        folder, base = os.path.split(file)
        inside = [folder] if base == "__init__.py" else None
        loader = SourceFileLoader(name, file)
        return importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=inside)


class Module:
    """A source file of the workspace, ready to be edited again and again."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.mark = len(text) - len(text.lstrip("\ufeff"))
        tree = ast.parse(text[self.mark :])
        starts = [self.mark]
        for line in _lines(text[self.mark :]):
            starts.append(starts[-1] + len(line))
        self.starts = starts + [starts[-1]]
        self.flags = _future_flags(tree)
        self.spans = [_first_line(node) for node in tree.body], [node.end_lineno for node in tree.body]
        self.code = compile(text[self.mark :], path, "exec", dont_inherit=True)
        self.blocks = {}

    def edited(self, edits):
        """The code and the text with these edits, [start, end, new text] by character, in order."""
        text = self.text
        for start, end, new in reversed(edits):
            text = text[:start] + new + text[end:]
        return self._spliced(edits, text) or compile(text[self.mark :], self.path, "exec", dont_inherit=True), text

    def _spliced(self, edits, text):
        """The module's code with one statement's compiled anew; None where more than that changes."""
        first, last = self._around(edits)
        if first is None:
            return None
        start, end = self.starts[first - 1], self.starts[last]
        if first not in self.blocks:
            self.blocks[first] = self._compiled(first, self.text[start:end])
        before, after = self.blocks[first], self._compiled(first, text[start : len(text) - len(self.text) + end])
        pairs = swapped(before, after)
        return None if pairs is None else _with_constants(self.code, pairs)

    def _around(self, edits):
        """First and last line of the statement that holds the edits, or None twice."""
        line = bisect.bisect_right(self.starts, edits[0][0])
        at = bisect.bisect_right(self.spans[0], line) - 1
        if at < 0:
            return None, None
        first, last = self.spans[0][at], self.spans[1][at]
        shared = at + 1 < len(self.spans[0]) and self.spans[0][at + 1] == last
        inside = edits[-1][1] <= self.starts[last] and not shared
        return (first, last) if inside else (None, None)

    def _compiled(self, line, block):
        return compile("\n" * (line - 1) + block, self.path, "exec", flags=self.flags, dont_inherit=True)


def _lines(text):
    """Lines as the parser counts them."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)


def _first_line(node):
    return min([node.lineno] + [each.lineno for each in getattr(node, "decorator_list", ())])


def _future_flags(tree):
    import __future__

    names = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]
    flags = 0
    for name in names:
        flags |= getattr(__future__, name).compiler_flag
    return flags


def swapped(before, after):
    """Pairs of code objects in whose place others come; None where the code around them differs as well."""
    if _outline(before) != _outline(after):
        return None
    pairs = []
    for old, new in zip(before.co_consts, after.co_consts):
        if isinstance(old, types.CodeType) and old != new:
            pairs.append((old, new))
    return pairs


def _outline(code):
    plain = [(type(c), repr(c)) if not isinstance(c, types.CodeType) else c.co_name for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, plain


def _with_constants(code, pairs):
    constants = list(code.co_consts)
    for old, new in pairs:
        places = [n for n, each in enumerate(constants) if isinstance(each, types.CodeType) and each == old]
        if len(places) != 1:
            return None
        constants[places[0]] = new
    return code.replace(co_consts=tuple(constants))


def functions_of(before, after):
    """Pairs of code of functions (methods included) that differ; None where more than functions differs."""
    pairs = swapped(before, after)
    if pairs is None:
        return None
    found = []
    for old, new in pairs:
        if old.co_flags & 2 and new.co_flags & 2:  # CO_NEWLOCALS: a function, not the body of a class
            found.append((old, new))
            continue
        inside = functions_of(old, new)
        if inside is None:
            return None
        found += inside
    return found


def lines_of(code):
    """The lines of a function, those of the functions inside it left out."""
    return {line for _, line in dis.findlinestarts(code) if line}


def loaded_functions(path):
    """The functions of a file that are loaded in this process, by their code."""
    found = {}
    for each in gc.get_objects():
        if type(each) is types.FunctionType and each.__code__.co_filename == path:
            found.setdefault(each.__code__, []).append(each)
    return found


def swap_functions(pairs, loaded):
    """Give loaded functions their new code. False where one of them is not loaded or cannot take it."""
    if any(old not in loaded or old.co_freevars != new.co_freevars for old, new in pairs):
        return False
    for old, new in pairs:
        for function in loaded[old]:
            function.__code__ = new
    return True
