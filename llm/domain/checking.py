"""What a workspace's own checks say: complaints, tests, results, the red as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from llm.domain.kinds import Stage


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
