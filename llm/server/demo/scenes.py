"""What was red in the runs of the demo, and what their candidates did about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import NamedTuple

from llm.providers.policy_file import StageName


class Scene(NamedTuple):
    """One thing that is red: which check says so, in which file, the line that is wrong, and what was tried
    instead: the right one first."""

    stage: StageName
    check: str
    path: str
    above: str
    wrong: str
    tried: tuple[str, ...]
    fixer: str

    def diff(self, number: int) -> str:
        """The unified diff of a try; 0 is the right one, the others are not."""
        place = 1 + (number - 1) % (len(self.tried) - 1) if number else 0
        before, after = (f"{self.above}\n{line}\n" for line in (self.wrong, self.tried[place]))
        a, b = f"a/{self.path}", f"b/{self.path}"
        return "".join(unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), a, b))


SCENES: Sequence[Scene] = (
    Scene(
        "tests",
        "pytest",
        "billing/invoice.py",
        "def due(invoice: Invoice, today: date) -> bool:",
        "    return invoice.due > today",
        ("    return invoice.due <= today", "    return invoice.due < today", "    return invoice.due == today"),
        "comparison",
    ),
    Scene(
        "tests",
        "vitest",
        "web/src/cart.ts",
        "export function total(lines: Line[]): number {",
        "  return lines.reduce((sum, line) => sum + line.price);",
        (
            "  return lines.reduce((sum, line) => sum + line.price * line.count, 0);",
            "  return lines.reduce((sum, line) => sum + line.price, 0);",
            "  return lines.map((line) => line.price).reduce((a, b) => a + b);",
        ),
        "search",
    ),
    Scene(
        "types",
        "mypy",
        "search/index.py",
        "def first(hits: list[Hit]) -> Hit | None:",
        "    return hits[0].documnet if hits else None",
        ("    return hits[0] if hits else None", "    return hits[0].document if hits else None"),
        "attribute",
    ),
    Scene(
        "types",
        "tsc",
        "web/src/api.ts",
        "export async function load(id: string): Promise<Order> {",
        "  return fetch(`/orders/${id}`).json();",
        (
            "  return (await fetch(`/orders/${id}`)).json();",
            "  return await fetch(`/orders/${id}`).json();",
        ),
        "code_fix",
    ),
    Scene(
        "build",
        "cargo check",
        "stock/src/lib.rs",
        "pub fn left(&self) -> u32 {",
        "    self.items.len()",
        ("    self.items.len() as u32", "    self.items.len().try_into()?"),
        "compiler",
    ),
    Scene(
        "build",
        "pytest",
        "billing/dunning.py",
        "from datetime import timedelta",
        "from billing.invoce import Invoice",
        ("from billing.invoice import Invoice", "from invoice import Invoice"),
        "import",
    ),
    Scene(
        "style",
        "ruff",
        "search/query.py",
        "import re",
        "import os, sys",
        ("import sys", "import os\nimport sys"),
        "tool_fix",
    ),
    Scene(
        "docs",
        "sphinx-build",
        "docs/guide.rst",
        "Installing",
        "====",
        ("==========", "==="),
        "search",
    ),
    Scene(
        "general",
        "make check",
        "tools/release.sh",
        "set -eu",
        'tag="v$(cat VERSION"',
        ('tag="v$(cat VERSION)"', "tag=v$VERSION"),
        "search",
    ),
)

WEIGHTS = (14, 12, 12, 9, 5, 8, 11, 2, 3)
"""How often each of them was red."""

RATES: Mapping[str, Mapping[str, float]] = {
    "openai/gpt-4o": {"tests": 0.52, "types": 0.6, "build": 0.5, "style": 0.85, "docs": 0.7, "general": 0.4},
    "anthropic/claude-3.5": {
        "tests": 0.6,
        "types": 0.68,
        "build": 0.57,
        "style": 0.8,
        "docs": 0.7,
        "general": 0.5,
    },
    "google/gemini-1.5": {"tests": 0.43, "types": 0.46, "build": 0.4, "style": 0.8, "docs": 0.7, "general": 0.3},
    "local/qwen2.5-7b": {"tests": 0.2, "types": 0.25, "build": 0.15, "style": 0.64, "docs": 0.5, "general": 0.1},
}
"""How likely a lane's answer passes, by stage. Made up, as all of this."""
