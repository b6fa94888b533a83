"""What an edit of several lines makes of the block of statements that it stands in, parsed without the rest."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Span = tuple[int, int]
"""Start and end offset in the text."""


@dataclass(slots=True)
class Suite:
    """Statements one below the other, each with the span of its lines; `around` is the suite that holds it."""

    statements: list[ast.stmt]
    spans: list[Span]
    around: Suite | None
    _dumps: dict[int, str] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Where its first line begins."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where its last line ends."""
        return self.spans[-1][1]

    def touched(self, start: int, end: int) -> tuple[int, int, int, int]:
        """The statements that touch a span, from one number to before another, and the span of all that.

        All of the suite where none does: then it may be in the middle of a comment.
        """
        first = bisect_left(self.spans, start, key=lambda span: span[1])
        last = bisect_right(self.spans, end, key=lambda span: span[0])
        if first >= last:
            first, last = 0, len(self.spans)
        return first, last, min(start, self.spans[first][0]), max(end, self.spans[last - 1][1])

    def changed(self, first: int, last: int, text: str) -> str | None:
        """What stands here once a text stands for some of the statements: "" for the same, None for no suite.

        Equal for equal trees, whichever statements the text stands for.
        """
        statements = self._parsed(text)
        if statements is None:
            return None
        before, after = [self._dump(n) for n in range(first, last)], [ast.dump(each) for each in statements]
        while before and after and before[-1] == after[-1]:
            before.pop(), after.pop()
        same = 0
        while same < min(len(before), len(after)) and before[same] == after[same]:
            same += 1
        whole = f"{self.start} {first + same} {first + len(before)} {after[same:]}"
        return whole if before[same:] or after[same:] else ""

    def _parsed(self, text: str) -> list[ast.stmt] | None:
        try:
            body = ast.parse("if 1:\n" + text if self.around else text).body
        except (SyntaxError, ValueError):
            return None
        if self.around is None:
            return body
        inside = body[0].body if len(body) == 1 and isinstance(body[0], ast.If) and not body[0].orelse else []
        return inside if inside and inside[0].col_offset == self.statements[0].col_offset else None

    def _dump(self, number: int) -> str:
        if number not in self._dumps:
            self._dumps[number] = ast.dump(self.statements[number])
        return self._dumps[number]


def suites_of(tree: ast.Module, text: str, lines: Callable[[ast.stmt], Span]) -> list[Suite]:
    """The suites of a module whose statements begin their lines, by their start; its own is the first."""
    found: list[Suite] = []
    pending: list[tuple[ast.AST, Suite | None]] = [(tree, None)]
    while pending:
        node, around = pending.pop()
        for body in _bodies(node):
            spans = [lines(each) for each in body]
            begins = not text[spans[0][0] : spans[0][0] + body[0].col_offset].strip()
            suite = Suite(body, spans, around) if begins else around
            if begins and suite:
                found.append(suite)
            pending += [(child, suite) for each in body for child in (each, *_without_statements(each))]
    return sorted(found, key=lambda suite: (suite.start, -suite.end))


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value


def _without_statements(node: ast.stmt) -> list[ast.AST]:
    """What stands between a statement and its suites: handlers and cases."""
    return [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]


def around(suites: list[Suite], start: int, end: int) -> Iterator[Suite]:
    """The suites that hold a span, from the innermost outwards."""
    at = max(bisect_right(suites, start, key=lambda suite: suite.start) - 1, 0)
    suite = suites[at] if suites else None
    while suite is not None:
        if suite.around is None or (suite.start <= start and end <= suite.end):
            yield suite
        suite = suite.around
