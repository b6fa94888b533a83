"""Which files a model has to see, the most telling first, and which never leave the machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from llm.domain import Diagnostic
from llm.workspace import tampering
from llm.workspace.paths import OWN, flaw, folded

NAMED, SAID, NEAR_BY_IMPORT, FAILING_TEST, BESIDE = range(5)
"""The tiers: a diagnostic names it; the output does; it is imported by one of those or imports one; it is a test
that fails; it lies close to them."""

_NEVER = (
    *("**/.env*", "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/id_rsa*", "**/id_ed25519*", "**/.netrc"),
    *("**/.npmrc", "**/.pypirc", "**/credentials", "**/*.tfstate", "**/*.tfvars"),
)
_NOISE = ("**/*.lock", "**/*-lock.*", "**/*.min.*", "**/*.map", "**/*.snap", "**/*.svg", "**/*.csv", "**/go.sum")
_IMPORT = re.compile(
    r"^[ \t]*(?:import|from|export|use|mod|pub|using|require|include|#[ \t]*include)\b[^\n]{0,500}", re.MULTILINE
)
_REQUIRE = re.compile(r"\brequire\([^\n]{0,200}")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_PATH = re.compile(r"(?<![\w@.+\-/\\])[\w@.+\-/\\]{3,300}")
_READ_CHARS = 6_000
"""Imports stand at the top of a file."""


def ranked(files: Mapping[str, str], diagnostics: Sequence[Diagnostic], said: str = "") -> list[tuple[str, int]]:
    """The files that may be sent, each with its tier; within a tier by the number of diagnostics, then closeness.

    `said` is what the checks printed: the files of its tracebacks count as named, after the diagnostics'.
    """
    open_files = {path: text for path, text in files.items() if _may_be_sent(path, text)}
    told = [path for each in diagnostics for path in {each.path: 0, each.test_id.partition("::")[0]: 0}]
    named = [path for path in told if path in open_files]
    seeds = list(dict.fromkeys([*named, *(path for path in _paths_in(said) if path in open_files)]))
    near = _neighbours(seeds, open_files)
    tiers = {path: _tier(path, named, seeds, near) for path in open_files}
    weight = {path: (tiers[path], -named.count(path), -_closeness(path, seeds), path) for path in open_files}
    return [(path, tiers[path]) for path in sorted(open_files, key=weight.__getitem__)]


def is_test(path: str) -> bool:
    """Whether the rules take `path` for a test."""
    return bool(tampering.matches(folded(path), tampering.TESTS))


def is_judge(path: str) -> bool:
    """Whether the rules refuse any edit of `path`: a test, the checks' configuration, CI, installed code."""
    return bool(tampering.matches(folded(path), _JUDGES))


_JUDGES = (*tampering.TESTS, *tampering.CONFIGURATION, *tampering.CI, *tampering.INSTALLED)


def _may_be_sent(path: str, text: str) -> bool:
    if flaw(path) or not path.isprintable() or OWN & set(path.split("/")) or "\0" in text:
        return False
    return not tampering.matches(folded(path), (*_NEVER, *_NOISE, *tampering.INSTALLED))


def _paths_in(text: str) -> Iterator[str]:
    """Everything in a text that may be a relative path, with and without the directories in front."""
    for written in dict.fromkeys(_PATH.findall(text)):
        parts = written.strip(".").replace("\\", "/").split("/")
        yield from ("/".join(parts[i:]) for i in range(min(len(parts), 20)))


def _tier(path: str, named: Sequence[str], seeds: Sequence[str], near: set[str]) -> int:
    if is_test(path):
        return FAILING_TEST if path in seeds else BESIDE
    if path in named:
        return NAMED
    return SAID if path in seeds else NEAR_BY_IMPORT if path in near else BESIDE


def _neighbours(seeds: Iterable[str], files: Mapping[str, str]) -> set[str]:
    """The files that the seeds import, and those that import a seed. By name: no resolution, no syntax tree."""
    stems = {path: _stem(path) for path in files}
    words = {path: _imported(text) for path, text in files.items()}
    wanted = {word for seed in seeds for word in words[seed]}
    own = {stems[seed] for seed in seeds if not is_test(seed)}
    return {path for path in files if stems[path] in wanted or own & words[path]}


def _stem(path: str) -> str:
    """What a file is imported as: its name, or its directory's where that says nothing."""
    file = PurePosixPath(path)
    stem = file.name.partition(".")[0]
    return file.parent.name if stem in ("__init__", "index", "mod") else stem


def _imported(text: str) -> set[str]:
    top = text[:_READ_CHARS]
    required = _REQUIRE.findall(top) if "require(" in top else []
    return set(_WORD.findall("\n".join([*_IMPORT.findall(top), *required])))


def _closeness(path: str, seeds: Sequence[str]) -> int:
    """The directories that `path` shares with the seed that is closest to it."""
    parts = path.split("/")[:-1]
    return max((_shared(parts, seed.split("/")[:-1]) for seed in seeds), default=0)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
