"""All edits of the suspicious files, lazily, in the order of prior × suspicion × weight."""

from __future__ import annotations

import ast
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from llm.fixers.python_search.edits import Edit, Source, parsed
from llm.fixers.python_search.ingredients import NO_WORDS, Scope, Words
from llm.fixers.python_search.locate import Suspicion
from llm.fixers.python_search.site import Site
from llm.fixers.python_search.templates import TEMPLATES, Template

_STATEMENT_SHARE = 0.6
"""A node on a line without evidence of its own takes this share of its statement's suspicion."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One edit of one file, with the template that made it and its promise 0…1.

    `patience`: how many times longer than usual it may take.
    """

    path: str
    edit: Edit
    template: str
    line: int
    score: float
    patience: int = 1


@dataclass(frozen=True, slots=True)
class _Group:
    """A template on a node, whose edits are made only when none elsewhere is more promising."""

    site: Site
    node: ast.AST
    template: Template
    suspicion: float


def proposals(sources: Mapping[str, Source], suspicion: Suspicion, words: Words = NO_WORDS) -> Iterator[Proposal]:
    """Edits, most promising first; each program once, by its tree. `words` are strings of the tests."""
    tie = count()
    heap: list[tuple[float, int, _Group | Proposal]] = []
    for path, lines in suspicion.items():
        if path in sources:
            heap += [(-g.template.prior * g.suspicion, next(tie), g) for g in _groups(sources[path], lines, words)]
    heapq.heapify(heap)
    seen: set[tuple[str, str]] = set()
    while heap:
        _, _, top = heapq.heappop(heap)
        if isinstance(top, _Group):
            for proposal in _expand(top):
                heapq.heappush(heap, (-proposal.score, next(tie), proposal))
            continue
        identity = sources[top.path].identity(top.edit)
        if identity and (top.path, identity) not in seen:
            seen.add((top.path, identity))
            yield top


def single_edits(path: str, text: str, lines: Mapping[int, float]) -> Iterator[Proposal]:
    """Every single edit of one file on these lines (from 1, each with its suspicion 0…1), most promising first.

    Nothing for a text that does not parse.
    """
    source = parsed(path, text)
    if source is not None:
        yield from proposals({path: source}, {path: dict(lines)})


def _expand(group: _Group) -> Iterator[Proposal]:
    for edit in group.template.edits(group.site, group.node):
        score = group.template.prior * group.suspicion * edit.weight
        line = getattr(group.node, "lineno", 0)
        yield Proposal(group.site.source.path, edit, group.template.name, line, score)


def _groups(source: Source, lines: Mapping[int, float], words: Words) -> Iterator[_Group]:
    sites: dict[ast.AST | None, Site] = {}
    for node in _editable(source):
        score = _suspicion_of(source, node, lines)
        if score <= 0:
            continue
        function = source.function(node)
        if function not in sites:
            sites[function] = Site(source, Scope(source, function, words), function)
        for template in TEMPLATES:
            if isinstance(node, template.nodes):
                yield _Group(sites[function], node, template, score)


def _suspicion_of(source: Source, node: ast.AST, lines: Mapping[int, float]) -> float:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inside = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        return max((lines.get(n, 0.0) for n in inside), default=0.0)
    compound = isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try)
    last = node.lineno if compound else getattr(node, "end_lineno", 0)  # type: ignore[attr-defined]
    own = max((lines.get(n, 0.0) for n in range(getattr(node, "lineno", 0), last + 1)), default=0.0)
    statement = source.statement(node)
    return own or (_STATEMENT_SHARE * lines.get(statement.lineno, 0.0) if statement else 0.0)


def _editable(source: Source) -> Iterator[ast.AST]:
    """Nodes whose span can be trusted and that do something: no docstrings, no annotations."""
    pending: list[ast.AST] = [source.tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.expr | ast.stmt):
            yield node
        if isinstance(node, ast.JoinedStr):
            pending += _filled_in(source, node)
            continue
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list"):
                continue
            children = value if isinstance(value, list) else [value]
            pending += [c for c in children if isinstance(c, ast.AST) and not _is_docstring(c)]


def _filled_in(source: Source, node: ast.JoinedStr) -> list[ast.expr]:
    """The expressions in an f-string that are where they say: before Python 3.12 not all of them are."""
    filled = [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
    return [each for each in filled if _stands_there(source, each)]


def _stands_there(source: Source, node: ast.expr) -> bool:
    try:
        found = ast.parse(source.segment(node), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return ast.dump(found) == ast.dump(node)


def _is_docstring(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
