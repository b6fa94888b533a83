"""Logs and baselines become one stage, with the evidence named."""

from __future__ import annotations

import pytest

from llm.domain import Check, CheckResult, Diagnostic, Stage
from llm.triage.stage import triage
from tests.triage import golden


def result(stage: Stage, *diagnostics: Diagnostic, exit_code: int = 1, output: str = "") -> CheckResult:
    check = Check(name=f"check-{stage}", command="true", stage=stage)
    return CheckResult(check, ("true",), exit_code, 0.1, diagnostics=diagnostics, output=output)


@pytest.mark.parametrize(
    ("name", "text", "stage"),
    [
        ("ci", "vitest run failed", Stage.TESTS),
        ("ci", "> vitest\n", Stage.TESTS),
        ("vitest", "something went wrong", Stage.TESTS),
        ("vite", "something went wrong", Stage.BUILD),
        ("latest", "image shop:latest pulled", Stage.GENERAL),
        ("ci", "pulled the latest image, greatest contest, attested", Stage.GENERAL),
        ("ci", "what type of person would type this prototype", Stage.GENERAL),
        ("prototype", "hello", Stage.GENERAL),
        ("rebuilding-trust", "hello", Stage.GENERAL),
        ("types", "TS2307", Stage.TYPES),
        ("ci", "TS2307", Stage.TYPES),
        ("tests", "TS2307", Stage.TYPES),
        ("build", "ERROR in ./src/a.ts TS2307: Cannot find module './b'", Stage.TYPES),
        ("ci", "error[E0308]", Stage.TYPES),
        ("ci", "error[E0308]: mismatched types", Stage.TYPES),
        ("ci", "note: see error[E0308]: mismatched types", Stage.TYPES),
        ("ci", "error[E0432]: unresolved import `a`", Stage.BUILD),
        ("ci", "./main.go:7:9: undefined: x", Stage.BUILD),
        ("ci", "FAILED tests/test_a.py::test_a - assert 1 == 2", Stage.TESTS),
        ("build", "FAILED tests/test_a.py::test_a - assert 1 == 2", Stage.TESTS),
        ("ci/unit-tests.log", "exit status 1", Stage.TESTS),
        ("typeCheck", "exit status 1", Stage.TYPES),
        ("job", "WARNING: mkdocs build in strict mode: broken link", Stage.DOCS),
        ("job", "eslint found too many problems", Stage.STYLE),
        ("job", "Build failed with 1 error", Stage.BUILD),
        ("job", "", Stage.GENERAL),
    ],
)
def test_stage_of_a_log(name: str, text: str, stage: Stage) -> None:
    assert triage({name: text}).stage is stage


@pytest.mark.parametrize(
    ("log", "stage"),
    [
        ("pytest-long", Stage.TESTS),
        ("pytest-collection", Stage.BUILD),
        ("unittest", Stage.BUILD),
        ("mypy-plain", Stage.TYPES),
        ("pyright", Stage.TYPES),
        ("tsc-plain", Stage.TYPES),
        ("ruff-concise", Stage.BUILD),
        ("gcc", Stage.BUILD),
        ("go-build", Stage.BUILD),
        ("go-test", Stage.TESTS),
        ("cargo-check", Stage.TYPES),
        ("cargo-test", Stage.TESTS),
        ("cargo-clippy", Stage.STYLE),
        ("markdownlint", Stage.DOCS),
        ("python_traceback-import", Stage.BUILD),
        ("python_traceback-runtime", Stage.GENERAL),
    ],
)
def test_stage_of_a_real_log(log: str, stage: Stage) -> None:
    assert triage({"ci": golden.raw(log)}).stage is stage


def test_the_reason_counts_the_evidence_and_names_the_log() -> None:
    told = triage({"ci": golden.raw("mypy-plain")})
    assert told.reason == "5 mypy errors in the log `ci`"
    assert len(told.diagnostics) == 5


def test_of_several_stages_the_one_that_blocks_comes_first() -> None:
    told = triage({"unit": golden.raw("pytest-long"), "types": golden.raw("tsc-plain")})
    assert told.stage is Stage.TYPES
    assert told.reason == "4 tsc errors in the log `types`, ahead of tests"


def test_warnings_count_only_where_there_are_no_errors() -> None:
    warning = "shop.c:5:9: warning: unused variable 'a' [-Wunused-variable]\n"
    failure = "FAILED tests/test_a.py::test_a - assert 1 == 2\n"
    assert triage({"ci": warning + failure}).stage is Stage.TESTS
    only = triage({"ci": warning})
    assert (only.stage, only.reason) == (Stage.BUILD, "1 gcc warning in the log `ci`")


def test_a_bare_name_and_bare_words_are_named_as_the_reason() -> None:
    assert triage({"lint": "exit 1"}).reason == "the word `lint` in the name of the log `lint`"
    assert triage({"x": "Build failed"}).reason == "the words `build failed` in the log `x`"


def test_the_baselines_diagnostics_outrank_the_logs() -> None:
    seen = Diagnostic(tool="ruff", message="unused", path="a.py", line=1, code="F401")
    told = triage({"ci": golden.raw("pytest-long")}, (result(Stage.STYLE, seen),))
    assert told.stage is Stage.STYLE
    assert told.reason == "1 ruff error in the check `check-style`"
    assert told.diagnostics[0] == seen
    assert any(each.tool == "pytest" for each in told.diagnostics)


def test_a_red_check_without_diagnostics_is_read_like_a_log_then_taken_by_its_stage() -> None:
    assert triage({}, (result(Stage.GENERAL, output=golden.raw("mypy-plain")),)).stage is Stage.TYPES
    told = triage({"ci": golden.raw("ruff-full")}, (result(Stage.TESTS, output="exit 1"),))
    assert (told.stage, told.reason) == (Stage.TESTS, "the check `check-tests` is red")


def test_green_checks_and_checks_that_did_not_run_say_nothing() -> None:
    seen = Diagnostic(tool="mypy", message="bad", path="a.py", line=1)
    green = result(Stage.TYPES, seen, exit_code=0)
    missing = CheckResult(Check("mypy", "mypy"), ("mypy",), None, 0.0, not_run="missing", diagnostics=(seen,))
    assert triage({}, (green, missing)).stage is Stage.GENERAL


def test_a_diagnostic_of_an_unknown_tool_has_the_stage_of_its_check() -> None:
    seen = Diagnostic(tool="customcheck", message="bad")
    assert triage({}, (result(Stage.DOCS, seen),)).stage is Stage.DOCS


def test_the_same_diagnostic_in_two_logs_is_given_once() -> None:
    log = golden.raw("tsc-plain")
    assert len(triage({"a": log, "b": log}).diagnostics) == 4
