"""Code and text that stand for files of the workspace, and edits that compile one statement instead of a file."""

import ast
import bisect
import collections
import dis
import gc
import importlib.util
import os
import re
import types
from importlib.machinery import ModuleSpec, SourceFileLoader

CODE = {}
"""Absolute path → code object that stands for that file."""
TEXT = {}
"""Absolute path → the source that `inspect` and tracebacks are shown for it."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
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
        known = {name: path for name, path in found.items() if path in CODE and name not in _OWN_WAYS}
        self.known = {name: _Known(name, path) for name, path in known.items()}

    def find_spec(self, name, path=None, target=None):
        """A fresh spec for a module that is known."""
        known = self.known.get(name)
        return None if known is None else known.spec()


class _Known(SourceFileLoader):
    """Loads a module from `CODE`, where its code always is."""

    def __init__(self, name, path):
        super().__init__(name, path)
        self.cached = importlib.util.cache_from_source(path)
        folder, base = os.path.split(path)
        self.inside = [folder] if base == "__init__.py" else None

    def spec(self):
        spec = ModuleSpec(self.name, self, origin=self.path)
        spec.has_location = True
        spec.cached = self.cached
        spec.submodule_search_locations = None if self.inside is None else list(self.inside)
        return spec

    def exec_module(self, module):
        exec(CODE[self.path], module.__dict__)


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
        self.parts = sorted(_parts(tree.body), key=lambda part: part.first)
        self.code = compile(text[self.mark :], path, "exec", dont_inherit=True)
        self.compiled = {}

    def edited(self, edits):
        """The code and the text with these edits, [start, end, new text] by character, in order."""
        text = self.text
        for start, end, new in reversed(edits):
            text = text[:start] + new + text[end:]
        return self._spliced(edits, text) or compile(text[self.mark :], self.path, "exec", dont_inherit=True), text

    def _spliced(self, edits, text):
        """The module's code with one part's compiled anew, the smallest; None where more than that changes."""
        for part in self._around(edits):
            before, outline = self.before(part)
            start, end = self.starts[part.first - 1], len(text) - len(self.text) + self.starts[part.last]
            after = self._compiled(part, text[start:end])
            if after is None or outline != [_outline(code) for code in after]:
                continue
            spliced = _with_constants(self.code, _pairs(before[-1], after[-1]), part.owners)
            if spliced is not None:
                return spliced
        return None

    def before(self, part):
        """A part's code as `_compiled` tells it, and all that it consists of but for the functions in it."""
        if part not in self.compiled:
            codes = self._compiled(part, self.text[self.starts[part.first - 1] : self.starts[part.last]])
            self.compiled[part] = codes, [_outline(code) for code in codes or ()]
        return self.compiled[part]

    def expect(self, edits):
        """Find out now what edits at this place need to know of the unchanged source."""
        for part in self._around(edits)[:1]:
            self.before(part)

    def _around(self, edits):
        """The parts that hold the edits, from the smallest outwards."""
        line = bisect.bisect_right(self.starts, edits[0][0])
        holding = [p for p in self.parts if p.first <= line <= p.last and edits[-1][1] <= self.starts[p.last]]
        return sorted(holding, key=lambda part: -len(part.owners))

    def _compiled(self, part, block):
        """The code of a part, and before it that of empty classes around it; None where it is none in a class."""
        lines = "\n" * (part.first - 1 - len(part.owners))
        classes = "".join(" " * depth + "class " + name + ":\n" for depth, name in enumerate(part.owners))
        try:
            codes = [compile(lines + classes + block, self.path, "exec", flags=self.flags, dont_inherit=True)]
        except SyntaxError:
            if not part.owners:
                raise
            return None  # it may be one among the rest of the class
        for _ in part.owners:
            codes.append(next(c for c in codes[-1].co_consts if isinstance(c, types.CodeType)))
        return codes


Part = collections.namedtuple("Part", "first last owners")
"""Lines of a file that can be compiled without the rest: a statement, or a method in classes of these names."""


def _parts(body, owners=()):
    firsts, lasts = [_first_line(node) for node in body], [node.end_lineno for node in body]
    for node, first, last, above, below in zip(body, firsts, lasts, [0] + lasts, firsts[1:] + [0]):
        if above == first or below == last:
            continue  # another statement on the same line
        if not owners or (isinstance(node, _FUNCTIONS) and node.col_offset >= len(owners)):
            yield Part(first, last, owners)
        if isinstance(node, ast.ClassDef) and node.body[0].lineno > node.lineno:
            yield from _parts(node.body, owners + (node.name,))


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
    return _pairs(before, after) if _outline(before) == _outline(after) else None


def _pairs(before, after):
    both = zip(before.co_consts, after.co_consts)
    return [(old, new) for old, new in both if isinstance(old, types.CodeType) and old != new]


def _outline(code):
    plain = [(type(c), repr(c)) if not isinstance(c, types.CodeType) else c.co_name for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, plain


def _with_constants(code, pairs, owners=()):
    """A module's code with others in the places of these, in classes of these names; None if it has them not."""
    if owners:
        classes = [c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == owners[0]]
        inner = _with_constants(classes[0], pairs, owners[1:]) if len(classes) == 1 else None
        return None if inner is None else _with_constants(code, [(classes[0], inner)])
    constants = list(code.co_consts)
    for old, new in pairs:
        inner = [n for n, each in enumerate(constants) if isinstance(each, types.CodeType)]
        places = [n for n in inner if _at(constants[n]) == _at(old)]
        if len(places) != 1:
            return None
        constants[places[0]] = new
    return code.replace(co_consts=tuple(constants))


def _at(code):
    """Where some code is. What it is need not be equal: calls depend on what the rest of the file imports."""
    return code.co_name, code.co_firstlineno


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
