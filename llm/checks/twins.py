"""Twins of tests that passed: the same names, all but the same text, and another end.

What excuses tests by their names, by what is written in them or by what they call, excuses a twin that must fail
as well, or not the one that ends without harm.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

Tests = frozenset[tuple[str, ...]]
"""The names of tests in a file: classes from without, then the function."""


def harmless(text: str, tests: Tests, word: str) -> str:
    """The text with one more statement at the end of each of the tests, which changes nothing."""
    return _ended(text, _suited(text, tests), f'assert "{word}"', inverted=False)


def failing(text: str, tests: Tests, word: str) -> Iterator[tuple[str, tuple[tuple[str, ...], ...]]]:
    """Texts in which each of some tests must fail if it comes to its end, and these: once all that can be made to,
    once those whose last claim is an `assert`, which is turned into its opposite."""
    suited = _suited(text, tests)
    claiming = {names: test for names, test in suited.items() if isinstance(test.body[-1], ast.Assert)}
    for chosen, inverted in ((suited, False), (claiming, True)):
        if chosen:
            yield _ended(text, chosen, f'raise AssertionError("{word}")', inverted), tuple(chosen)


def _suited(text: str, tests: Tests) -> dict[tuple[str, ...], ast.FunctionDef]:
    try:
        found = dict(_functions(ast.parse(text), ()))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    return {names: test for names, test in found.items() if names in tests and _comes_to_its_end(test)}


def _functions(
    scope: ast.Module | ast.ClassDef, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], ast.FunctionDef]]:
    for node in scope.body:
        if isinstance(node, ast.FunctionDef):
            yield (*names, node.name), node
        elif isinstance(node, ast.ClassDef) and all(map(_only_marks, node.decorator_list)):
            yield from _functions(node, (*names, node.name))


def _comes_to_its_end(test: ast.FunctionDef) -> bool:
    """Whether a test that passes has executed all of its body, and what it raises at the end makes it fail."""
    leaves = any(isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) for node in ast.walk(test))
    own_lines = test.body[0].lineno > test.lineno
    return own_lines and not leaves and all(map(_only_marks, test.decorator_list))


def _only_marks(decorator: ast.expr) -> bool:
    """Any other decorator may want the test to raise."""
    words = ast.unparse(decorator).partition("(")[0].split(".")
    return "mark" in words[:-1] or "patch" in words


def _ended(text: str, tests: dict[tuple[str, ...], ast.FunctionDef], end: str, inverted: bool) -> str:
    """The text with `end` after the last statement of each of the tests, from the last test to the first."""
    lines = text.encode("utf-8", "surrogateescape").split(b"\n")
    for test in sorted(tests.values(), key=lambda test: test.lineno, reverse=True):
        last = test.body[-1]
        at = last.end_lineno or last.lineno
        indent = lines[test.body[0].lineno - 1][: test.body[0].col_offset]
        lines.insert(at, indent + end.encode())
        if inverted and isinstance(last, ast.Assert):
            _invert(lines, last.test)
    return b"\n".join(lines).decode("utf-8", "surrogateescape")


def _invert(lines: list[bytes], claim: ast.expr) -> None:
    first, last = claim.lineno - 1, (claim.end_lineno or claim.lineno) - 1
    end = claim.end_col_offset or 0
    lines[last] = lines[last][:end] + b")" + lines[last][end:]
    lines[first] = lines[first][: claim.col_offset] + b"not (" + lines[first][claim.col_offset :]
