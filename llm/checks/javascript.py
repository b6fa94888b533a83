"""Which framework a check runs JavaScript tests with, and which files they are in."""

from __future__ import annotations

import re
from collections.abc import Callable

from llm.domain import CheckResult, TestStatus

FAILING = (TestStatus.FAILED, TestStatus.ERROR)
SOURCE = re.compile(r"\.([cm]?[jt]s|[jt]sx)$")
"""Names of files that a JavaScript parser reads."""

_FRAMEWORKS = ("node_test", "vitest", "jest")
_NAMED = {"node:test": "node_test", "vitest": "vitest"}
_IMPORT = re.compile(r"""['"](node:test|vitest)['"]""")


def framework_of(result: CheckResult, read: Callable[[str], str | None]) -> str:
    """`node_test`, `vitest` or `jest`; "" for other checks. Where a script hides it, by what the tests import.

    `read` gives the text of a file of the workspace, None where there is none.
    """
    if result.check.tool:
        return result.check.tool if result.check.tool in _FRAMEWORKS else ""
    texts = [text for path in test_files(result) if SOURCE.search(path) and (text := read(path)) is not None]
    named = (_NAMED[found[1]] for text in texts for found in _IMPORT.finditer(text))
    return next(named, "jest" if texts else "")


def test_files(result: CheckResult, *statuses: TestStatus) -> list[str]:
    """The files of the tests with one of these statuses (of all, without any): ids begin with them."""
    found = (t.id.partition(" > ")[0] for t in result.tests or () if not statuses or t.status in statuses)
    return list(dict.fromkeys(found))
