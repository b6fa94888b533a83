"""Edits inside what is written out: patterns, texts with places for values, tables. Each takes a site and a node
and yields edits, the likeliest with weight 1."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import partial

from llm.fixers.python_search.edits import Edit, quoted
from llm.fixers.python_search.ingredients import Words, rows_of, strings_in
from llm.fixers.python_search.site import Site
from llm.fixers.python_search.statements import neighbour

_PLACE = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)[^{}]*\}(?!\})")
_PLAIN = re.compile(r"[rR]?(?=['\"])")
_PATTERN_CALLS = ("compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split")
_PIECE = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\)|\.)(\{\d*,?\d*\}|[*+?])?(\?)?")
_WORDS_OR = re.compile(r"\((?:\?:)?([A-Za-z]+(?:\|[A-Za-z]+)+)\)([A-Za-z]*)")
_OTHER_COUNTS = {"": ("+", "?", "*"), "+": ("*", "", "{1,2}"), "*": ("+", ""), "?": ("", "*")}
_NO_PIECES = ("\\b", "\\B", "\\A", "\\Z")
_LONGEST, _MOST_PIECES, _MOST_WORDS = 200, 25, 40


def make_fstring(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """`f"{name}"` for `"{name}"`, where that name can be used and nothing else fills the place."""
    if not isinstance(node.value, str) or isinstance(site.parent(node), ast.Attribute | ast.JoinedStr):
        return
    named = _PLACE.findall(node.value)
    known = {*site.scope.locals, *site.scope.globals, *site.scope.functions, "self", "cls"}
    if named and known.issuperset(named):
        marked = _marked(site.text(node))
        if marked:
            yield site.replace_raw(node, marked)


def _marked(literal: str) -> str:
    """A literal, of several pieces maybe, with an `f` before each that has a place; "" where that cannot be."""
    lines = io.StringIO(f"({literal})").readline
    starts: list[tuple[int, int]] = []
    try:
        for token in tokenize.generate_tokens(lines):
            if token.type == tokenize.STRING and _PLACE.search(token.string):
                if not _PLAIN.match(token.string):
                    return ""
                starts.append(token.start)
    except (tokenize.TokenError, SyntaxError):
        return ""
    rows = f"({literal})".splitlines(keepends=True)
    for row, column in reversed(starts):
        rows[row - 1] = f"{rows[row - 1][:column]}f{rows[row - 1][column:]}"
    return "".join(rows)[1:-1]


_PatternEdit = tuple[int, str, str, float]
"""Where in the pattern, what stands there, what else could, weight."""


def change_pattern(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """A regular expression with a part that may come more or less often, a dot that is one, another end."""
    return _in_pattern(site, node, _pattern_edits)


def add_alternative(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """One more among several words of a regular expression, for a word of the tests that ends as it goes on."""
    return _in_pattern(site, node, partial(_alternatives, site.scope.words))


def _in_pattern(site: Site, node: ast.Constant, edits: Callable[[str], Iterator[_PatternEdit]]) -> Iterator[Edit]:
    if not isinstance(node.value, str) or len(node.value) > _LONGEST or not _is_pattern(site, node, node.value):
        return
    literal = site.text(node)
    opening = re.match(r"[rR]?('''|\"\"\"|'|\")", literal)
    if opening is None or not literal.endswith(opening[1]) or (opening[1] * 2) in literal[1:-1]:
        return
    start, end = opening.end(), len(literal) - len(opening[1])
    base = site.source.span(node)[0]
    body = literal[start:end]
    for at, old, new, weight in edits(body):
        yield Edit(base + start + at, base + start + at + len(old), new, weight)


def _is_pattern(site: Site, node: ast.Constant, text: str) -> bool:
    parent = site.parent(node)
    called = parent.func if isinstance(parent, ast.Call) and parent.args and parent.args[0] is node else None
    if isinstance(called, ast.Attribute):
        return called.attr in _PATTERN_CALLS and not isinstance(called.value, ast.Constant)
    return bool(re.search(r"\\[dwsbDWSB]|\[[^\]]+\][*+?]|\(\?", text))


def _pattern_edits(body: str) -> Iterator[_PatternEdit]:
    for count, found in enumerate(_PIECE.finditer(body)):
        piece, often, lazy = found[1], found[2] or "", found[3] or ""
        if count >= _MOST_PIECES or piece in _NO_PIECES:
            continue
        at = found.end(1)
        for rank, other in enumerate(_OTHER_COUNTS.get(often, ("+",))):
            yield at, often + lazy, other, 0.9 - 0.2 * rank
        if often in ("+", "*"):
            yield at, often + lazy, often if lazy else f"{often}?", 0.4
        if piece in (".", "\\."):
            yield found.start(), piece, "." if len(piece) > 1 else "\\.", 0.5
    for mark, at in (("^", 0), ("$", len(body))):
        has = body[:1] == mark if at == 0 else body[-1:] == mark
        place = at - 1 if has and at else at
        yield (place, mark, "", 0.5) if has else (place, "", mark, 0.5)


def _alternatives(words: Words, body: str) -> Iterator[_PatternEdit]:
    for found in _WORDS_OR.finditer(body):
        known, ending = found[1].split("|"), found[2]
        new = [word for word in words.every if word.endswith(ending)][:_MOST_WORDS]
        for rank, word in enumerate(new):
            stem = word.removesuffix(ending)
            if len(stem) > 1 and stem.isalpha() and stem not in known:
                yield found.end(1), "", f"|{stem}", (1.0 if word in words.asked else 0.4) - 0.01 * rank


def add_element(site: Site, node: ast.List | ast.Set | ast.Tuple | ast.Dict) -> Iterator[Edit]:
    """A table of names gets one more: a string of the tests that looks like those it has; first those that
    the file has elsewhere, for what one table knows and another does not was forgotten."""
    entries = node.keys if isinstance(node, ast.Dict) else node.elts
    keys = [each.value for each in entries if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if len(keys) < 2 or len(keys) != len(entries) or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    if isinstance(site.parent(node), ast.List | ast.Tuple | ast.Set):
        return  # a row of a larger table, as long as all the others
    values = node.values if isinstance(node, ast.Dict) else node.elts
    last = values[-1]
    like = site.text(last) if isinstance(last, ast.Constant) else "'"
    elsewhere = strings_in(site.source)
    words = [word for word in site.scope.words.every if word not in keys and _alike(word, keys)]
    words.sort(key=lambda word: (word not in site.scope.words.asked, word not in elsewhere))
    for rank, word in enumerate(words[:_MOST_WORDS]):
        new = quoted(word, like)
        if isinstance(node, ast.Dict):
            same = all(isinstance(v, ast.Constant) and v.value == k for k, v in zip(keys, values, strict=True))
            new = f"{new}: {new if same else site.text(last)}"
        weight = 1.0 if word in site.scope.words.asked else 0.45 if word in elsewhere else 0.2
        yield site.replace_raw(last, f"{site.text(last)}, {new}", weight * (1.0 - 0.02 * rank))


def add_row(site: Site, node: ast.List | ast.Tuple) -> Iterator[Edit]:
    """A table gets one more row of strings that the tests have, at its end or before all others."""
    rows = [site.text(each) for each in node.elts if _strings_of(each)]
    lengths = {len(_strings_of(each)) for each in node.elts}
    if len(rows) < 2 or len(lengths) != 1 or 0 in lengths:
        return
    for row in site.scope.words.rows:
        if len(row) in lengths:
            new = _written(row, rows[-1])
            yield site.replace_raw(node.elts[-1], f"{rows[-1]}, {new}")
            yield site.replace_raw(node.elts[0], f"{new}, {rows[0]}", 0.8)


def add_registration(site: Site, node: ast.Expr) -> Iterator[Edit]:
    """One more call like the one before, with strings that the tests have: a table that is made call by call."""
    after = neighbour(site, node, 1)
    last = not (isinstance(after, ast.Expr) and _strings_of(after.value) and _called(after) == _called(node))
    strings = _strings_of(node.value)
    for row in site.scope.words.rows if last and isinstance(node.value, ast.Call) else ():
        if len(row) == len(strings):
            text = f"{_called(node)}{_written(row, site.text(node))}"
            for put, weight in ((site.line_after, 1.0), (site.line_before, 0.9)):
                if edit := put(node, (text,), weight):
                    yield edit


def _called(node: ast.Expr) -> str:
    return ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""


def _strings_of(node: ast.expr) -> tuple[str, ...]:
    """The strings of a tuple, list or call that has nothing else; () for any other."""
    row = next(rows_of(node), ()) if isinstance(node, ast.Tuple | ast.List | ast.Call) else ()
    return row if all(isinstance(each, str) for each in row) else ()


def _written(row: tuple[str, ...], like: str) -> str:
    """A row in the brackets and quotation marks of another one; in round ones where that is a call."""
    quote = '"' if '"' in like and "'" not in like else "'"
    words = ", ".join(quoted(word, quote) for word in row)
    return f"[{words}]" if like.startswith("[") else f"({words})"


def _alike(word: str, keys: list[str]) -> bool:
    """Whether a word is written as these are: letters only, with underscores, with signs."""
    return any(_shape(word) == _shape(key) for key in keys)


def _shape(word: str) -> tuple[bool, bool, bool]:
    return word.isidentifier(), word.islower(), " " in word
