"""Where the fault may be: suspicion per line from the tests that executed it (Ochiai) and from tracebacks."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

Suspicion = dict[str, dict[int, float]]
"""Path → line (from 1) → 0…1."""

_TEST_FOLDER = re.compile(r"(.*[_-])?tests?(cases?|ing|[_-].*)?$|examples$|docs$")
_CRASHED_HERE = 1.0
_CRASHED_BELOW = 0.6
_IMPORTED = 0.15


def is_test_file(path: str) -> bool:
    """Whether a Python file belongs to the judge: tests, fixtures and their configuration."""
    parts = PurePosixPath(path)
    name = parts.name
    return (
        any(_TEST_FOLDER.match(part) for part in parts.parts[:-1])
        or name in ("conftest.py", "setup.py", "noxfile.py")
        or bool(re.match(r"tests?(_.*)?\.py$|.*_tests?\.py$", name))
    )


def suspicion(tests: Mapping[str, Mapping[str, Any]]) -> Suspicion:
    """Ochiai over lines: failed(l) / sqrt(all failed × all(l)) (Abreu et al. 2006), raised along tracebacks.

    `tests` is the warm process's report: id → `status`, `lines` {path: [line]}, `trace` [[path, line]].
    """
    failed: Counter[tuple[str, int]] = Counter()
    passed: Counter[tuple[str, int]] = Counter()
    failures = [t for t in tests.values() if t["status"] in ("failed", "error")]
    for test in tests.values():
        tally = failed if test["status"] in ("failed", "error") else passed
        tally.update((path, n) for path, lines in test.get("lines", {}).items() for n in lines)
    found: Suspicion = {}
    for (path, line), count in failed.items():
        if not is_test_file(path):
            score = count / math.sqrt(len(failures) * (count + passed[path, line]))
            found.setdefault(path, {})[line] = score
    for test in failures:
        _raise_by_traceback(found, test.get("trace", []), test["error"])
    return found


def with_imported(found: Suspicion, imported: Mapping[str, Iterable[int]], paths: Container[str]) -> Suspicion:
    """The same, and a little for what ran when these files were imported: tables and defaults are used later."""
    raised = {path: dict(lines) for path, lines in found.items()}
    for path in imported:
        if path in paths and not is_test_file(path):
            lines = raised.setdefault(path, {})
            lines |= {line: max(lines.get(line, 0.0), _IMPORTED) for line in imported[path]}
    return raised


def _raise_by_traceback(found: Suspicion, trace: list[list[Any]], error: str) -> None:
    """A crash points at its own frames; a failed assertion in the test points nowhere."""
    frames = [(path, line) for path, line in trace if not is_test_file(path)]
    for depth, (path, line) in enumerate(reversed(frames)):
        score = _CRASHED_HERE if depth == 0 and error != "AssertionError" else _CRASHED_BELOW
        lines = found.setdefault(path, {})
        lines[line] = max(lines.get(line, 0.0), score)
