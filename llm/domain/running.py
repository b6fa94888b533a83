"""A run from the request to its record: candidates, what running them showed, the verdict, what was applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from llm.domain.asking import NOTHING_USED, LaneWork, Usage
from llm.domain.checking import Baseline, CheckResult, Triage
from llm.domain.kinds import EMBEDDED, EMPTY, DiscardReason, Isolation, Mode


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What a user asks: logs and files, or a workspace, and the limits of the search."""

    trace_id: str
    logs: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    files: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    workspace: Path | None = None
    checks: tuple[str, ...] = ()
    assets: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    context: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    max_seconds: float = 30.0
    deadline_s: float | None = None
    accept_ambiguous: bool = False
    files_out: bool = False
    providers: bool = False
    stdin_contract: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed change. `diff` is a unified diff relative to the workspace root.

    `provider` is a lane (`embedded/fixers`, `openai/gpt-4o`); `origin` says what made it (`ruff safe fixes`).
    `prior` is 0…1, the promise before anything ran; deterministic fixers are near 1.
    """

    diff: str
    provider: str = EMBEDDED
    origin: str = ""
    prior: float = 0.5
    usage: Usage = NOTHING_USED
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What running a candidate showed. Ids are `check name::item`, an item a test id or a diagnostic's key.

    `fail_to_pass`: red before, green after. `still_failing`: red before and after. `newly_failing`: green (or
    absent) before, red after. `missing`: test ids of the baseline that the run no longer reports.
    `behaviour` is a key that is equal for candidates that behave alike ("" where it was not measured);
    `distinguishing` is a call on which another passing candidate does otherwise, in words; `recites` a row of
    constants that it adds to a table and that a test has just so.
    `agreement` counts the independent candidates that came to this same result; `same_as` is the index of the
    first of them where this one is a duplicate. `diff_size` is added + removed
    lines; `ttg_ms` the wall time from the start of the request to this verdict.
    """

    candidate: Candidate
    index: int
    reason: DiscardReason | None = None
    detail: str = ""
    results: tuple[CheckResult, ...] = ()
    fail_to_pass: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    behaviour: str = ""
    distinguishing: str = ""
    recites: str = ""
    agreement: int = 1
    same_as: int | None = None
    diff_size: int = 0
    ttg_ms: int = 0
    isolation: Isolation = Isolation.NONE

    @property
    def passed(self) -> bool:
        """Every red check turned green and none that was green turned red."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Selection:
    """The winner (an index into `ranking`'s evaluations by `Evaluation.index`) or None, and why."""

    winner: Evaluation | None
    ranking: tuple[Evaluation, ...]
    why: str
    ambiguous: bool = False


class ApplyStatus(StrEnum):
    """What became of a patch that was to be applied. `REFUSED`: nothing was written, or all of it restored."""

    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applied:
    """How an apply ended. `files` are the changed paths, `reason` is why they were not, or are no longer, changed,
    or not committed.

    `results` are the checks as they ran on the changed tree. `number` is the journal that `torre undo` goes by,
    None where nothing was begun. `commit` is the id of the commit that was made, "" without one.
    """

    status: ApplyStatus
    exit_code: int
    files: tuple[str, ...] = ()
    reason: str = ""
    results: tuple[CheckResult, ...] = ()
    number: int | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: what was asked, what was red, what was tried, and the verdict.

    `diff` is the winner's in PATCH, the best unproven one's in ADVISORY, "" where there is none. `summary` is one
    sentence for a person. `doubts` are items that were red and green on the same tree, or why a winner is not
    proven. `notes` name what could not be used (a missing tool and the command that installs it). `unproven` are
    candidates that nothing could be run for. `files` maps each changed path to its new text (None: deleted).
    `originals` has the SHA-256 of each of them as it was when the diff was proven (None: it was not there).
    `lanes` is None where no provider was opted in, `applied` where nothing was asked to be applied.
    `keys` are the configured keys, which no report may show.
    """

    request: RepairRequest
    mode: Mode
    exit_code: int
    summary: str
    triage: Triage
    baseline: Baseline
    selection: Selection
    diff: str = ""
    nothing_red: bool = False
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unproven: tuple[Candidate, ...] = ()
    files: Mapping[str, str | None] = field(default_factory=lambda: EMPTY)
    isolation: Isolation = Isolation.NONE
    isolation_missing: tuple[str, ...] = ()
    duration_s: float = 0.0
    lanes: LaneWork | None = None
    originals: Mapping[str, str | None] = field(default_factory=lambda: EMPTY)
    applied: Applied | None = None
    keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """The append-only atom of a run's record. `at` is seconds since the epoch, `seq` counts from 1."""

    seq: int
    at: float
    kind: str
    data: Mapping[str, Any]
