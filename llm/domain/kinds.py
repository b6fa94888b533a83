"""The closed sets of words that every room uses. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[str, Any] = MappingProxyType({})
"""The default of every mapping field: shared, so it must not be changed."""

EMBEDDED = "embedded/fixers"
"""The lane of the embedded provider: always allowed, never counted."""


class Stage(StrEnum):
    """What kind of red it is."""

    TYPES = "types"
    BUILD = "build"
    TESTS = "tests"
    STYLE = "style"
    DOCS = "docs"
    GENERAL = "general"


class Mode(StrEnum):
    """`PATCH`: the diff is proven. `ADVISORY`: it is not, or there is none."""

    PATCH = "PATCH"
    ADVISORY = "ADVISORY"


class Isolation(StrEnum):
    """How strongly a candidate's code was kept from the host, strongest first."""

    STRONG = "strong"
    FULL = "full"
    REDUCED = "reduced"
    NONE = "none"


class DiscardReason(StrEnum):
    """Why a candidate is out; the closed set of the contract."""

    INVALID_DIFF = "invalid_diff"
    PATH_ESCAPE = "path_escape"
    PROTECTED_PATH = "protected_path"
    TAMPERING = "tampering"
    OVERFIT = "overfit"
    SECRET = "secret"
    TOO_LARGE = "too_large"
    CHECKS_RED = "checks_red"
    TIMEOUT = "timeout"
    OOM = "oom"
    DUPLICATE = "duplicate"
    CANCELLED = "cancelled"
