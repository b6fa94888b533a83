"""Checks among the scripts of package.json, seen through to the tools that they run where that is plain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from llm.checks import config
from llm.checks.recognise import check_of, independent
from llm.domain import Check

_NAMES = ("test", "lint", "typecheck", "type-check", "check", "types")
_PLACEHOLDER = "Error: no test specified"
_RUNS_SCRIPT = re.compile(r"(?:npm|pnpm|yarn|bun)(?: run)? ([\w:.-]+)$")
_ENDLESS = re.compile(r"(^|\s)(--watch(All)?|-w|--ui|dev|serve)(\s|$)")
_SEEN_THROUGH, _AS_IS = 0.9, 0.6
_MAX_DEPTH = 3


def discover(directory: Path) -> Iterator[Check]:
    """The scripts that are checks by their name. Placeholders and watchers are not."""
    scripts = config.package(directory).get("scripts")
    if not isinstance(scripts, dict):
        return
    texts = {name: body for name, body in scripts.items() if isinstance(body, str)}
    for name in _NAMES:
        if name in texts and _PLACEHOLDER not in texts[name]:
            yield from _checks(name, texts)


def _checks(name: str, scripts: Mapping[str, str]) -> Iterator[Check]:
    source = f'package.json scripts["{name}"]'
    lines = _expand(name, scripts, _MAX_DEPTH)
    if lines is not None:
        yield from (check_of(line, source=source, confidence=_SEEN_THROUGH) for line in lines)
    elif not _ENDLESS.search(scripts[name]):
        command = "npm test" if name == "test" else f"npm run {name}"
        yield replace(check_of(command, source=source, confidence=_AS_IS), tool="")


def _expand(name: str, scripts: Mapping[str, str], depth: int) -> tuple[str, ...] | None:
    """The simple commands of known tools that a script comes to, None where it is more than that."""
    if name not in scripts or depth == 0 or f"pre{name}" in scripts or f"post{name}" in scripts:
        return None
    found: list[str] = []
    for part in (part.strip() for part in scripts[name].split("&&")):
        inner = _RUNS_SCRIPT.match(part)
        nested = inner[1] if inner and inner[1] in scripts else ""
        lines = _expand(nested, scripts, depth - 1) if nested else (part,)
        if lines is None:
            return None
        found += lines
    return tuple(found) if independent(found) else None
