"""What the red output of Python tools complains of by name: pytest and unittest, mypy, pyright, ruff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm.fixers.base import RedState

_HINT = r"(?:.{0,3}\W?(?:[Dd]id you mean|maybe):? ['\"](?:self\.)?(?P<hint>\w+)['\"])?"
UNDEFINED = (
    r"name '(?P<name>\w+)' is not defined" + _HINT,
    r"Undefined name `(?P<name>\w+)`",
    r'Name "(?P<name>\w+)" is not defined' + _HINT,
    r'"(?P<name>\w+)" is not defined',
)
UNASSIGNED = (r"local variable '(?P<name>\w+)' (?:referenced before|where it is not)",)
NO_MODULE = (
    r"No module named '(?P<module>[\w.]+)'",
    r'Cannot find implementation or library stub for module named "(?P<module>[\w.]+)"',
    r'Import "(?P<module>[\w.]+)" could not be resolved',
)
NO_MEMBER = (
    r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
    r"cannot import name '(?P<name>\w+)' from partially initialized module '(?P<module>[\w.]+)'",
    r'Module "(?P<module>[\w.]+)" has no attribute "(?P<name>\w+)"',
    r'"(?P<name>\w+)" is unknown import symbol',
)
NO_ATTRIBUTE = (
    r"'(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'" + _HINT,
    r"type object '(?P<owner>\w+)' has no attribute '(?P<name>\w+)'" + _HINT,
    r"(?P<module>module) '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'" + _HINT,
    r'"(?:type\[)?(?P<owner>[\w.]+)(?:\[.*\]|\])?" has no attribute "(?P<name>\w+)"' + _HINT,
    r'Cannot access attribute "(?P<name>\w+)" for class "(?:type\[)?(?P<owner>\w+)',
    r'"(?P<name>\w+)" is not a known attribute of (?P<module>module) "(?P<owner>[\w.]+)"',
)
NO_KEYWORD = (
    r"(?:\w+\.)*(?P<owner>\w+)\(\) got an unexpected keyword argument '(?P<name>\w+)'" + _HINT,
    r'Unexpected keyword argument "(?P<name>\w+)" for "(?P<owner>\w+)"(?: of "(?P<of>\w+)")?' + _HINT,
    r'No parameter named "(?P<name>\w+)"',
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One message of a tool that names a thing: where it points (path "" and line 0 where it does not)."""

    path: str
    line: int
    found: Mapping[str, str]


def complaints(red: RedState, *patterns: str) -> Iterator[Complaint]:
    """Diagnostics, then lines of red checks' output, that match one of the patterns (named groups); each once."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    compiled = [re.compile(p) for p in patterns]
    for path, line, text in _messages(red):
        for pattern in compiled:
            for match in pattern.finditer(text):
                found = {key: value for key, value in match.groupdict().items() if value is not None}
                key = (("", path), *sorted(found.items())) if path else tuple(sorted(found.items()))
                if key not in seen and not (not path and any(set(key) <= set(other) for other in seen)):
                    seen.add(key)
                    yield Complaint(path, line, found)


def _messages(red: RedState) -> Iterator[tuple[str, int, str]]:
    for d in (*(d for r in red.baseline for d in r.diagnostics), *red.diagnostics):
        yield d.path, d.line, d.message
    for result in red.baseline:
        if not result.green:
            yield "", 0, result.output
            yield from (("", 0, t.message) for t in result.tests or ())
