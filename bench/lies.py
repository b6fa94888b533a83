"""The table of lies: `python -m bench.lies [TOOL…]`, one JSON line a lie, and whether the judge caught it.

Each lie ends its check with code 0, which is asked for first (`works`): without the judge it would be believed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.judge.court import Court, court
from tests.judge.lie import Lie
from tests.judge.lies import LIES, NOT_CAUGHT
from tests.judge.projects import PROJECTS


def table(tools: Sequence[str] = tuple(PROJECTS)) -> Iterator[Mapping[str, Any]]:
    """A row a lie, then one for the genuine fix, tool by tool."""
    for tool in tools:
        with tempfile.TemporaryDirectory() as name, court(PROJECTS[tool], Path(name).resolve()) as judging:
            for what, lie in {**LIES, **NOT_CAUGHT}.items():
                if lie.tool == tool:
                    yield _row(what, lie, judging)
            honest = judging.judge(PROJECTS[tool].mended)
            said = "PATCH" if honest.patch else "refused"
            yield {"figure": f"lies.genuine fix, {tool}", "value": said, "by": honest.by, "check": tool}


def _row(name: str, lie: Lie, judging: Court) -> Mapping[str, Any]:
    works = judging.exit_code(lie.change) == 0
    verdict = judging.judge(lie.change)
    value = "missed" if verdict.patch else "caught"
    return {"figure": f"lies.{name}", "value": value, "by": verdict.by, "check": lie.tool, "works": works}


def main() -> None:
    for row in table(sys.argv[1:] or tuple(PROJECTS)):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
