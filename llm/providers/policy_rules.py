"""What a policy must say consistently, beyond the types of its keys: lanes that exist, routes that are allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from llm import plugins
from llm.domain import EMBEDDED
from llm.providers.models import DEFAULT_MODELS
from llm.providers.policy_file import PolicyFile

_FEW = 20

Problem = tuple[str, str]
"""A key path and what is wrong there."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """A hint for somebody who misspelt `word`: the closest valid one, or all of them when they are few."""
    known = sorted(valid)
    close = get_close_matches(word, known, 1, 0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(known)}" if len(known) <= _FEW else "nothing here is like it"


def broken_rules(policy: PolicyFile, further_lanes: frozenset[str]) -> Iterator[Problem]:
    """Every rule that the file breaks, in the order of the rules."""
    known = {*DEFAULT_MODELS, *policy.models, *further_lanes}
    yield from _unknown_lanes(policy, known)
    yield from _routes(policy, known, {*DEFAULT_MODELS, *further_lanes})
    yield from _half_rows(policy, {*DEFAULT_MODELS, *further_lanes})
    yield from _unknown_protocols(policy)
    if policy.timezone is not None and not _is_timezone(policy.timezone):
        yield "$.timezone", f"is not a time zone known here; {nearest(policy.timezone, available_timezones())}"


def _unknown_lanes(policy: PolicyFile, known: set[str]) -> Iterator[Problem]:
    for index, lane in enumerate(policy.allowed or ()):
        if lane not in known and lane != EMBEDDED:
            yield f"$.allowed[{index}]", f"no such lane; {nearest(lane, known)}"
    for lane in policy.quotas:
        if lane not in known:
            yield f"$.quotas.{lane}", f"no such lane; {nearest(lane, known)}"
    if EMBEDDED in policy.models:
        yield f"$.models.{EMBEDDED}", "the embedded fixers call no model"


def _routes(policy: PolicyFile, known: set[str], by_default: set[str]) -> Iterator[Problem]:
    allowed = by_default if policy.allowed is None else set(policy.allowed)
    for stage, lanes in policy.routes.items():
        for index, lane in enumerate(lanes):
            if lane not in known:
                yield f"$.routes.{stage}[{index}]", f"no such lane; {nearest(lane, known)}"
            elif lane not in allowed:
                yield f"$.routes.{stage}[{index}]", f"{lane} is not in `allowed`"


def _half_rows(policy: PolicyFile, based: set[str]) -> Iterator[Problem]:
    """A lane that is not a default one has nothing to fall back to."""
    for lane, row in policy.models.items():
        wanted = ["protocol", "model"] if row.protocol == "replay" else ["protocol", "model", "base_url"]
        lacks = [name for name in wanted if getattr(row, name) is None]
        if lacks and lane not in based:
            yield f"$.models.{lane}", f"a lane of your own needs {', '.join(lacks)}"


def protocols() -> tuple[str, ...]:
    """What a row may name: the files in `adapters/` that speak a protocol of their own."""
    room = "providers.adapters"
    return tuple(name for name in plugins.names(room) if plugins.load(room, name, "WIRE").protocol == name)


def _unknown_protocols(policy: PolicyFile) -> Iterator[Problem]:
    for lane, row in policy.models.items():
        if row.protocol is not None and row.protocol not in protocols():
            yield f"$.models.{lane}.protocol", f"no such protocol; {nearest(row.protocol, protocols())}"


def _is_timezone(name: str) -> bool:
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
