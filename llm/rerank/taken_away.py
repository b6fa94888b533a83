"""What a type checker or a linter can no longer complain of, because it is not there any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from llm.domain import CheckResult

_OFFERED = re.compile(
    r"^export[ \t]+(?:default[ \t]+)?(?:abstract[ \t]+|async[ \t]+)?"
    r"(?:function\b[ \t]*\*?|class|const[ \t]+enum|const|let|var|enum|interface|type|namespace)"
    r"[ \t]+(?P<script>[\w$]+)"
    r"|^(?:async[ \t]+def|def|class)[ \t]+(?P<python>(?!_)\w+)",
    re.MULTILINE,
)
_DEFINITION = re.compile(
    r"^[ \t]*(?:export\b|(?:async[ \t]+)?(?:def|function)\b|class\b|const\b|[A-Za-z_]\w*[ \t]*[:=])", re.MULTILINE
)
_SCRIPT = re.compile(r"\.([cm]?[jt]s|[jt]sx|vue)$")


def taken_away(red: CheckResult, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The name that a file with complaints offered and no changed file offers now, if more are gone than new; or
    such a file, emptied of all that it defined where none of its kind is new. "" where nothing is missing.

    A rename takes nothing away, nor does a move, nor the second of two with one name. `before` and `after` are the
    texts of the changed files."""
    complained = {diagnostic.path for diagnostic in red.diagnostics} & before.keys()
    had, has = _offered(before, before), _offered(after, after)
    lost = _offered(before, complained) - has
    if lost and len(had - has) > len(has - had):
        return min(lost)
    kinds = {PurePosixPath(path).suffix for path in after.keys() - before.keys()}
    emptied = (path for path in sorted(complained) if _defines(before[path]) and not _defines(after.get(path, "")))
    return next((path for path in emptied if PurePosixPath(path).suffix not in kinds), "")


def _defines(text: str) -> bool:
    return _DEFINITION.search(text) is not None


def _offered(texts: Mapping[str, str], paths: Iterable[str]) -> set[str]:
    return {name for path in paths for name in _names(path, texts[path])}


def _names(path: str, text: str) -> set[str]:
    kind = "python" if path.endswith(".py") else "script"
    if kind == "script" and (not _SCRIPT.search(path) or path.endswith(".d.ts")):
        return set()
    return {match[kind] for match in _OFFERED.finditer(text) if match[kind]}
