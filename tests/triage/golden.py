"""The golden logs: real output of real tools (see tests/golden/logs/README.md) and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llm.domain import Diagnostic
from llm.triage.clean import clean

_GOLDEN = Path(__file__).parents[1] / "golden"

NAMES = tuple(sorted(log.stem for log in (_GOLDEN / "logs").glob("*.log")))


def raw(name: str) -> str:
    """A log as the tool wrote it, colours and all."""
    return (_GOLDEN / "logs" / f"{name}.log").read_text(encoding="utf-8")


def cleaned(name: str) -> str:
    """A log as parsers get it."""
    return clean(raw(name))


def expected() -> dict[str, list[dict[str, Any]]]:
    """By log name, each diagnostic's fields that are not at their defaults, with its stage."""
    table: dict[str, list[dict[str, Any]]] = json.loads((_GOLDEN / "expected.json").read_text(encoding="utf-8"))
    return table


def as_row(diagnostic: Diagnostic, stage: str) -> dict[str, Any]:
    """A diagnostic in the table's form."""
    plain = Diagnostic(tool="", message="")
    names = ("tool", "path", "line", "column", "code", "severity", "message", "test_id")
    told = {name: getattr(diagnostic, name) for name in names}
    return {"stage": stage} | {n: value for n, value in told.items() if value != getattr(plain, n)}
