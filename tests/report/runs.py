"""Runs made by hand: what the formats are asked to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from llm import plugins
from llm.domain import (
    Applied,
    ApplyStatus,
    Baseline,
    Candidate,
    Check,
    CheckResult,
    Diagnostic,
    Evaluation,
    Isolation,
    Mode,
    RepairRequest,
    Run,
    Selection,
    Stage,
    TestOutcome,
    TestStatus,
    Triage,
)

TRACE = "6f0c2f6e-3b8a-4a7e-9a43-0c5d1a2b3c4d"
TOKEN = "ghp_" + "a1B2" * 9
KEY = "planted-key-of-no-known-shape"

DIFF = """\
--- a/src/price.py
+++ b/src/price.py
@@ -1,5 +1,5 @@
 \"\"\"Prices.\"\"\"
 
-def total(n):
-    return n + 1
+def total(n: int) -> int:
+    return n * 2
 # end
@@ -10,3 +10,4 @@
 a = 1
+b = 2
 c = 3
 d = 4
@@ -20,4 +21,3 @@
 e = 5
-f = 6
 g = 7
 h = 8
"""
BEFORE = "\n".join(
    [
        *('"""Prices."""', "", "def total(n):", "    return n + 1", "# end", "", "", "", ""),
        *("a = 1", "c = 3", "d = 4", "", "", "", "", "", "", "", "e = 5", "f = 6", "g = 7", "h = 8", ""),
    ]
)
AFTER = (
    BEFORE.replace("(n)", "(n: int) -> int").replace("n + 1", "n * 2").replace("c = 3", "b = 2\nc = 3")
).replace("f = 6\n", "")

MYPY = Check("mypy", "mypy .", tool="mypy", stage=Stage.TYPES)
PYTEST = Check("pytest", "pytest -q", tool="pytest", stage=Stage.TESTS)
MAKE = Check("make", "make lint")
COMPLAINT = Diagnostic("mypy", "Unsupported operand", "src/price.py", 4, 12, "operator")
MISSED = Diagnostic("pytest", "assert 3 == 4", "tests/test_price.py", 7, 0, "AssertionError", test_id="t::two")
RED = (
    CheckResult(MYPY, ("mypy", "."), 1, 0.5, diagnostics=(COMPLAINT,), output="src/price.py:4: error"),
    CheckResult(
        PYTEST,
        ("pytest",),
        1,
        1.25,
        tests=(
            TestOutcome("t::one", TestStatus.PASSED, 0.1),
            TestOutcome("t::two", TestStatus.FAILED, 0.2, "assert 3 == 4"),
            TestOutcome("t::three", TestStatus.ERROR, 0.0, "fixture 'x' not found"),
            TestOutcome("t::four", TestStatus.SKIPPED),
        ),
        diagnostics=(MISSED,),
    ),
    CheckResult(MAKE, ("sh",), 2, 0.1, output="make: *** No rule\nTwo\x1b[2J lines"),
)


def green(result: CheckResult) -> CheckResult:
    """The same check, green."""
    tests = None if result.tests is None else tuple(replace(t, status=TestStatus.PASSED) for t in result.tests)
    return replace(result, exit_code=0, diagnostics=(), tests=tests, output="")


def run(*red: CheckResult, mode: Mode = Mode.PATCH, diff: str = DIFF, workspace: Path | None = None) -> Run:
    """A run that found these checks red, and proved `diff` if the mode says so."""
    results = red or RED
    winner = Evaluation(Candidate(diff), 3, results=tuple(map(green, results)), diff_size=5, ttg_ms=900)
    proven = mode is Mode.PATCH
    return Run(
        request=RepairRequest(TRACE, workspace=workspace),
        mode=mode,
        exit_code=0 if proven else 1,
        summary="total was wrong",
        triage=Triage(Stage.TYPES, (), "1 mypy error"),
        baseline=Baseline(results),
        selection=Selection(winner if proven else None, (winner,), "it alone passed"),
        diff=diff,
        isolation=Isolation.FULL,
        duration_s=4.1,
    )


def nothing_red() -> Run:
    """A run that had nothing to do."""
    made = run(*map(green, RED), mode=Mode.ADVISORY, diff="")
    return replace(made, nothing_red=True, exit_code=0, summary="nothing was red")


def applied() -> Run:
    """A run whose fix is in the files."""
    results = tuple(map(green, RED))
    return replace(run(), applied=Applied(ApplyStatus.APPLIED, 0, ("src/price.py",), "", results, 1))


def hostile() -> Run:
    """A run about a workspace that would like to write into the report."""
    name = "a,b:c\n::error::forged"
    message = f"100% wrong\r\n::set-output name=x::y\n</testcase> | `x` <b> \x00\x1b]0;title\x07 {TOKEN} {KEY}"
    bad = Diagnostic("mypy", message, f"src/{name}.py", 3, 1, "c,o:d%e")
    outside = Diagnostic("mypy", "not here", "/etc/passwd", 1)
    check = replace(MYPY, name=f"mypy {name}")
    red = CheckResult(check, ("mypy",), 1, 0.1, diagnostics=(bad, outside), output=message)
    tests = (TestOutcome(f"t::\ud800 {name}", TestStatus.FAILED, 0.1, message),)
    return replace(run(red, replace(RED[1], tests=tests)), keys=(KEY,), summary=f"see {KEY}")


def write(name: str, run: Run, env: Mapping[str, str] | None = None) -> str:
    """A run in the form of this name."""
    text = plugins.load("report.formats", name, "FORMAT").write(run, env or {}, False).text
    assert isinstance(text, str)
    return text
