"""The nouns that pass between the rooms, in order of appearance. Frozen values; no I/O.

Paths inside a workspace are relative POSIX strings everywhere. Times are seconds unless the name says `_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})

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


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What a user asks: logs and files, or a workspace, and the limits of the search."""

    trace_id: str
    logs: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    files: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    workspace: Path | None = None
    checks: tuple[str, ...] = ()
    assets: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    meta: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    context: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    max_seconds: float = 30.0
    deadline_s: float | None = None
    accept_ambiguous: bool = False
    files_out: bool = False
    providers: bool = False
    stdin_contract: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint of one tool. `tool` is the parser's bare name (`mypy`, `tsc`, `pytest`…).

    `path` is relative to the workspace where it could be told, "" where there is none. `line` and `column`
    start at 1; 0 is unknown. `code` is the tool's own (`TS2307`, `F401`, `arg-type`, `AssertionError`), or "".
    """

    tool: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    code: str = ""
    severity: str = "error"
    test_id: str = ""

    @property
    def key(self) -> str:
        """Identity that survives an edit elsewhere in the file: no line, no column."""
        return f"{self.tool}:{self.path}:{self.code}:{self.message}"


class TestStatus(StrEnum):
    """Outcome of one test. `ERROR` is a failure outside the test body (collection, fixture)."""

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test by its runner's own id (pytest: the node id)."""

    __test__ = False

    id: str
    status: TestStatus
    duration_s: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A command of the workspace's own that is green or red.

    `command` is one shell line, run by `sh -c` in `directory` (relative to the workspace, "." is its root).
    `tool` is the bare name of the file in `checks/tools/` that understands it, "" where none does.
    `confidence` is 0…1 and `source` says where the check was found (`--check`, `pyproject.toml [tool.ruff]`).
    """

    name: str
    command: str
    directory: str = "."
    tool: str = ""
    stage: Stage = Stage.GENERAL
    source: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check said. A missing tool is `not_run`, which is never green.

    `tests` is None where the tool reports no single tests. `killed` is "", `timeout`, `oom`, `output` or
    `cancelled`. `output` is the tail of stdout and stderr, control sequences stripped.
    """

    check: Check
    argv: tuple[str, ...]
    exit_code: int | None
    duration_s: float
    killed: str = ""
    not_run: str = ""
    tests: tuple[TestOutcome, ...] | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    output: str = ""

    @property
    def green(self) -> bool:
        """Exit code 0, not killed, really run, and no test reported as failed."""
        failed = any(t.status in (TestStatus.FAILED, TestStatus.ERROR) for t in self.tests or ())
        return self.exit_code == 0 and not self.killed and not self.not_run and not failed


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the untouched tree says. `results` hold one result a check; `flaky` the items that would not agree."""

    results: tuple[CheckResult, ...]
    flaky: tuple[str, ...] = ()

    @property
    def red(self) -> tuple[CheckResult, ...]:
        """Checks that ran and are not green."""
        return tuple(r for r in self.results if not r.green and not r.not_run)

    @property
    def green(self) -> tuple[CheckResult, ...]:
        """Checks that ran and are green."""
        return tuple(r for r in self.results if r.green)

    @property
    def not_run(self) -> tuple[CheckResult, ...]:
        """Checks whose tool is missing or that had nothing to do: neither red nor green."""
        return tuple(r for r in self.results if r.not_run)

    @property
    def complained_of(self) -> frozenset[str]:
        """Files with a style or types complaint of their own: of a test file, that much may be mended."""
        told = (r for r in self.results if r.check.stage in (Stage.STYLE, Stage.TYPES))
        return frozenset(d.path for r in told for d in r.diagnostics if d.path)


@dataclass(frozen=True, slots=True)
class Triage:
    """What the logs and the baseline say: the diagnostics and the stage they add up to, with its reason."""

    stage: Stage
    diagnostics: tuple[Diagnostic, ...]
    reason: str


class SkipReason(StrEnum):
    """Why a lane of the rule is not asked."""

    NOT_ALLOWED = "not_allowed"
    NOT_CONFIGURED = "not_configured"
    NO_VISION = "no_vision"
    NO_CREDENTIALS = "no_credentials"
    UNPRICED = "unpriced"
    QUOTA = "quota"
    COOLDOWN = "cooldown"
    CIRCUIT_OPEN = "circuit_open"


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """A lane that is asked, and why."""

    lane: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A lane of the rule that is not asked. `detail` says what would change that: the variable to set, the cap."""

    lane: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Which lanes are asked for a stage. `rule` is `default:` or `policy:` and the route that fired.

    `stub`: nobody is called, the lanes answer with their offline stubs.
    """

    stage: Stage
    rule: str
    lanes: tuple[LaneChoice, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    stub: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        """The lanes that are asked, in order."""
        return tuple(choice.lane for choice in self.lanes)

    @property
    def reason(self) -> str:
        """The route and its lanes in one line: `types: anthropic/claude-3.5+openai/gpt-4o`."""
        return f"{self.rule.partition(':')[2]}: {'+'.join(self.providers) or 'no lane can be asked'}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer of a provider cost. `cost_usd_micros` is None where the price is unknown."""

    tokens_in: int = 0
    tokens_out: int = 0
    latency_ms: int = 0
    cost_usd_micros: int | None = 0
    cached: bool = False


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
    usage: Usage = Usage()
    meta: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What running a candidate showed. Ids are `check name::item`, an item a test id or a diagnostic's key.

    `fail_to_pass`: red before, green after. `still_failing`: red before and after. `newly_failing`: green (or
    absent) before, red after. `missing`: test ids of the baseline that the run no longer reports.
    `behaviour` is a key that is equal for candidates that behave alike ("" where it was not measured);
    `distinguishing` is a call on which another passing candidate does otherwise, in words.
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


@dataclass(frozen=True, slots=True)
class LaneAnswer:
    """What asking one lane once brought. `index` is its evaluation's, None where nothing could be evaluated.

    `failure` is why there is no candidate (a cause, `refused` by a cap, `rejected_edit`), "" where there is one.
    """

    lane: str
    usage: Usage = Usage()
    diff: str = ""
    index: int | None = None
    failure: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LaneWork:
    """Who was asked and what came of it. `unset` are the variables that would let a lane answer for real.

    `held_back` says why nobody was asked although the decision names lanes ("" otherwise). `shown` is, in stub
    mode, which of the answers is shown. `exit_code` is the run's if it stays red.
    """

    decision: RouteDecision
    answers: tuple[LaneAnswer, ...] = ()
    unset: tuple[str, ...] = ()
    held_back: str = ""
    exit_code: int = 1
    shown: int | None = None


class ApplyStatus(StrEnum):
    """What became of a patch that was to be applied. `REFUSED`: nothing was written, or all of it restored."""

    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applied:
    """How an apply ended. `files` are the changed paths, `reason` is why they were not, or are no longer, changed.

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
    files: Mapping[str, str | None] = field(default_factory=lambda: _EMPTY)
    isolation: Isolation = Isolation.NONE
    isolation_missing: tuple[str, ...] = ()
    duration_s: float = 0.0
    lanes: LaneWork | None = None
    originals: Mapping[str, str | None] = field(default_factory=lambda: _EMPTY)
    applied: Applied | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """The append-only atom of a run's record. `at` is seconds since the epoch, `seq` counts from 1."""

    seq: int
    at: float
    kind: str
    data: Mapping[str, Any]
