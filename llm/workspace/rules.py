"""The rules a candidate may not break, checked before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace import tampering
from llm.workspace.dependencies import changed_dependencies
from llm.workspace.diff import MAX_BYTES, FilePatch, Patch
from llm.workspace.hiding import covers, hides
from llm.workspace.paths import OWN, folded, read, refuse_escape
from llm.workspace.secrets import SHORTEST_KEY, find_secrets, redact
from llm.workspace.suppressions import may_suppress, suppressions


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy adds to the built-in rules and takes from them; globs are relative to the workspace.

    `allow_paths` lifts `protected_path` and `tampering` for what it matches, but never for `.git/` and `.torre/`.
    `asked_paths` are the globs of a request, which frees nothing by itself: what is freed must match both.
    `keys` are configured keys, whatever they look like: no candidate may add one.
    """

    protected: tuple[str, ...] = ()
    allow_paths: tuple[str, ...] = ()
    allow_suppressions: bool = False
    max_bytes: int = MAX_BYTES
    asked_paths: tuple[str, ...] | None = None
    keys: tuple[str, ...] = field(default=(), repr=False)

    def within(self, asked: Mapping[str, Any] | None) -> Rules:
        """These rules for a request whose `meta.allow` is `asked`: what both allow. Without one, the same."""
        if asked is None:
            return self
        suppressions = self.allow_suppressions and asked.get("suppressions", False)
        return replace(self, asked_paths=tuple(asked.get("paths", ())), allow_suppressions=suppressions)

    def frees(self, path: str) -> bool:
        """Whether a candidate may change `path` although a rule says no."""
        asked = self.asked_paths is None or tampering.matches(path, self.asked_paths) != ""
        return asked and tampering.matches(path, self.allow_paths) != ""


def check_rules(
    patch: Patch,
    after: Mapping[str, bytes | None],
    workspace: Path,
    rules: Rules = Rules(),
    editable_tests: frozenset[str] = frozenset(),
) -> None:
    """DiffError with the contract's reason for the first rule that `patch` (whose result is `after`) breaks.

    Any touch of a test file is tampering, a new one included: it could replace fixtures or patch what it imports.
    `editable_tests` are test files in which a style or types diagnostic lies; they may change as long as they
    collect the same tests and assert the same.
    """
    if patch.size_bytes > rules.max_bytes:
        raise DiffError(DiscardReason.TOO_LARGE, f"{patch.size_bytes} bytes, and {rules.max_bytes} are the limit")
    free = check_paths({path for file in patch.files for path in file.paths} | set(after), workspace, rules)
    added = frozenset(path for path in after if after[path] is not None)
    for path in free:
        if path not in editable_tests or not _harmless_edit(path, after, workspace):
            _refuse_tampering(path, after, workspace, added)
        if told := changed_dependencies(path, read(path, workspace), after.get(path)):
            raise DiffError(DiscardReason.PROTECTED_PATH, f"it changes what is installed: {told}")
    if not rules.allow_suppressions:
        _refuse_suppressions(patch, after, workspace)
        _refuse_hiding(after, workspace, set(free))
    for file in patch.files:
        _refuse_secrets(file, rules.keys)


def check_paths(paths: Collection[str], workspace: Path, rules: Rules = Rules()) -> list[str]:
    """Those that the policy does not free of further rules. DiffError for one that may not be touched at all."""
    for path in sorted(paths):
        refuse_escape(path, workspace)
    return [path for path in sorted(paths) if not _protected(path, rules)]


def _protected(path: str, rules: Rules) -> bool:
    """Whether the policy frees `path`; DiffError where a rule protects it."""
    if OWN & set(path.split("/")):
        raise DiffError(DiscardReason.PROTECTED_PATH, f"{path!r} belongs to git or to Torre")
    if rules.frees(path):
        return True
    glob = tampering.matches(folded(path), tampering.CI) or tampering.matches(path, rules.protected)
    if glob:
        raise DiffError(DiscardReason.PROTECTED_PATH, f"{path!r} is protected by {glob!r}")
    return False


def _harmless_edit(path: str, after: Mapping[str, bytes | None], workspace: Path) -> bool:
    old, new = read(path, workspace), after.get(path)
    return old is not None and new is not None and tampering.same_assertions(path, old, new)


def _refuse_tampering(
    path: str, after: Mapping[str, bytes | None], workspace: Path, added: frozenset[str]
) -> None:
    plain = folded(path)
    for globs, what in _JUDGES:
        if glob := tampering.matches(plain, globs):
            raise DiffError(DiscardReason.TAMPERING, f"{path!r} {what} ({glob})")
    if path in added and (module := tampering.shadows(path, workspace, added)):
        raise DiffError(DiscardReason.TAMPERING, f"{path!r} would be imported in place of {module!r}")
    if config := tampering.extended_by(path, workspace):
        raise DiffError(DiscardReason.TAMPERING, f"{path!r} is part of the check configuration {config!r}")
    if runner := tampering.run_by(path, workspace):
        raise DiffError(DiscardReason.TAMPERING, f"{path!r} is a check that {runner!r} runs")
    if tool := tampering.reaches(path, read(path, workspace), after.get(path)):
        raise DiffError(DiscardReason.TAMPERING, f"{path!r} is no test and reaches for {tool!r}")
    if settings := tampering.changed_settings(path, read(path, workspace), after.get(path)):
        raise DiffError(DiscardReason.TAMPERING, f"it changes check configuration: {settings}")


_JUDGES = (
    (tampering.TESTS, "is a test"),
    (tampering.CONFIGURATION, "configures the checks"),
    (tampering.INSTALLED, "belongs to the installed tools"),
)


def _refuse_suppressions(patch: Patch, after: Mapping[str, bytes | None], workspace: Path) -> None:
    """Marks are counted over all files, so that code may move from one to another with its own."""
    if not any(may_suppress(path, "".join(file.lines("+"))) for file in patch.files for path in file.paths):
        return
    found: Counter[str] = Counter()
    for path, content in after.items():
        found.update(_marks(path, content))
        found.subtract(_marks(path, read(path, workspace)))
    extra = [mark for mark, count in found.items() if count > 0]
    if extra:
        raise DiffError(DiscardReason.TAMPERING, f"it adds {extra[0][:80]!r}")


def _refuse_hiding(after: Mapping[str, bytes | None], workspace: Path, paths: Collection[str]) -> None:
    for path in paths:
        if name := hides(path, read(path, workspace), after.get(path)):
            raise DiffError(DiscardReason.TAMPERING, f"{path!r} hides {name!r} from the type checker")
        if source := covers(path, after, workspace):
            raise DiffError(DiscardReason.TAMPERING, f"{path!r} would be checked in place of {source!r}")


def _marks(path: str, content: bytes | None) -> Counter[str]:
    return suppressions(path, (content or b"").decode("utf-8", "replace"))


def _refuse_secrets(file: FilePatch, keys: tuple[str, ...]) -> None:
    """What the same file loses may come back: a moved line adds no secret. The message never repeats one.

    The name that a value is given to may stand in a line that was there before.
    """
    added, removed = "".join(file.lines("+")), "".join(file.lines("-"))
    texts = [added, *("".join(hunk.side(" +")) for hunk in file.hunks if added)]
    found = {text[each.start : each.end]: each.kind for text in texts for each in find_secrets(text)}
    found |= {key: "configured key" for key in keys if len(key) >= SHORTEST_KEY and key in added}
    for secret, kind in found.items():
        if added.count(secret) > removed.count(secret):
            path = redact(file.paths[-1])[0] if secret not in file.paths[-1] else "a file"
            raise DiffError(DiscardReason.SECRET, f"{path!r} gains something like: {kind}")
