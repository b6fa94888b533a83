"""Each parser on the real output of its tool, and on that of all the others."""

from __future__ import annotations

import pytest

from llm import plugins
from llm.domain import Diagnostic, Stage
from llm.triage.base import LogParser
from tests.triage import golden

PARSERS: dict[str, LogParser] = {
    name: plugins.load("triage.parsers", name, "PARSER") for name in plugins.names("triage.parsers")
}
EXPECTED = golden.expected()


def read(tool: str, text: str) -> list[Diagnostic]:
    return list(PARSERS[tool].parse(text))


def test_every_log_has_its_expectation_and_every_parser_a_log() -> None:
    assert set(EXPECTED) == set(golden.NAMES)
    assert {row["tool"] for rows in EXPECTED.values() for row in rows} == set(PARSERS)


@pytest.mark.parametrize("name", golden.NAMES)
def test_the_right_parser_reads_a_real_log_and_no_other_fires(name: str) -> None:
    text = golden.cleaned(name)
    found = [golden.as_row(d, p.stage_of(d)) for p in PARSERS.values() for d in p.parse(text)]
    assert found == EXPECTED[name]
    assert len({row["tool"] for row in found}) == 1


@pytest.mark.parametrize("tool", PARSERS)
def test_conformance(tool: str) -> None:
    parser = PARSERS[tool]
    assert parser.tool == tool
    assert parser.stage in Stage
    assert read(tool, "") == read(tool, "\n") == read(tool, "all good\n") == []
    assert parser.stage_of(Diagnostic(tool=tool, message="")) in Stage


def test_two_logs_one_after_the_other_are_both_read() -> None:
    text = golden.cleaned("mypy-plain") + golden.cleaned("ruff-full") + golden.cleaned("pytest-long")
    for tool, log in (("mypy", "mypy-plain"), ("ruff", "ruff-full"), ("pytest", "pytest-long")):
        assert read(tool, text) == read(tool, golden.cleaned(log))


def test_pytest_finds_the_place_of_a_truncated_summary_in_the_section() -> None:
    found = {d.test_id: d for d in read("pytest", golden.cleaned("pytest-long"))}
    cut_short = found["tests/test_cart.py::test_mean[no prices - none]"]
    assert cut_short.message == "division by zero"
    assert (cut_short.path, cut_short.line) == ("shop/cart.py", 6)


def test_pytest_without_its_summary_still_names_the_test() -> None:
    whole = golden.cleaned("pytest-long")
    without = whole[: whole.index("= short test summary")].rpartition("\n")[0]
    assert "tests/test_cart.py::TestLabel::test_label" in {d.test_id for d in read("pytest", without)}


def test_pytest_tells_tests_of_one_name_in_two_files_apart() -> None:
    text = (
        "=== FAILURES ===\n___ test_a ___\n\nE   assert 1 == 2\n\none_test.py:3: AssertionError\n"
        "___ test_a ___\n\nE   assert 3 == 4\n\ntwo_test.py:5: AssertionError\n"
        "=== short test summary info ===\n"
        "FAILED one_test.py::test_a - assert 1 == 2\nFAILED two_test.py::test_a - assert 3 == 4\n"
    )
    assert [(d.test_id, d.line) for d in read("pytest", text)] == [
        ("one_test.py::test_a", 3),
        ("two_test.py::test_a", 5),
    ]


def test_unittest_before_python_3_11_writes_the_class_only() -> None:
    text = golden.cleaned("unittest").replace("(test_shop.TotalTest.test_sum)", "(test_shop.TotalTest)")
    assert "test_shop.TotalTest.test_sum" in {d.test_id for d in read("unittest", text)}


def test_paths_with_spaces_and_windows_drives() -> None:
    (spaced,) = read("mypy", "my app/shop one.py:3: error: Bad  [misc]")
    assert spaced.path == "my app/shop one.py"
    (windows,) = read("ruff", r"C:\app\shop.py:1:8: F401 [*] `os` imported but unused")
    assert (windows.path, windows.line) == (r"C:\app\shop.py", 1)
    (route,) = read("tsc", "app/(group)/page.tsx(4,2): error TS2322: Type 'a' is not 'b'.")
    assert (route.path, route.line) == ("app/(group)/page.tsx", 4)


def test_vitest_tests_that_failed_alike_share_their_error() -> None:
    text = " FAIL  a.test.ts > one\n FAIL  |node| b.test.ts > two\nError: boom\n ❯ src/a.ts:2:3\n⎯⎯⎯⎯[1/1]⎯\n"
    assert [(d.test_id, d.message, d.path) for d in read("vitest", text)] == [
        ("a.test.ts > one", "boom", "src/a.ts"),
        ("b.test.ts > two", "boom", "src/a.ts"),
    ]


def test_jest_gives_a_failure_once_although_its_summary_repeats_it() -> None:
    log = golden.cleaned("jest")
    assert read("jest", log + "\nSummary of all failing tests\n" + log) == read("jest", log)


def test_rust_panics_of_the_older_form() -> None:
    text = "---- t::old stdout ----\nthread 't::old' panicked at 'no price', src/lib.rs:4:9\nnote: run with\n"
    (found,) = read("cargo", text)
    assert (found.path, found.line, found.test_id) == ("src/lib.rs", 4, "t::old")
    assert found.message == "no price"


@pytest.mark.parametrize(
    ("tool", "code", "message", "test_id", "stage"),
    [
        ("cargo", "E0308", "mismatched types", "", Stage.TYPES),
        ("cargo", "E0433", "failed to resolve", "", Stage.BUILD),
        ("cargo", "clippy::len_zero", "length comparison", "", Stage.STYLE),
        ("cargo", "", "assertion failed", "tests::a", Stage.TESTS),
        ("ruff", "D103", "Missing docstring", "", Stage.DOCS),
        ("ruff", "DTZ001", "`datetime()` without tzinfo", "", Stage.STYLE),
        ("tsc", "TS2307", "Cannot find module", "", Stage.TYPES),
        ("tsc", "TS18003", "No inputs", "", Stage.BUILD),
        ("tsc", "TS5023", "Unknown compiler option 'x'.", "", Stage.BUILD),
        ("tsc", "TS6053", "File 'a.ts' not found.", "", Stage.BUILD),
        ("tsc", "TS6133", "'x' is declared but its value is never read.", "", Stage.TYPES),
        ("tsc", "TS6192", "All imports in import declaration are unused.", "", Stage.TYPES),
        ("tsc", "TS18048", "possibly undefined", "", Stage.TYPES),
        ("pytest", "ModuleNotFoundError", "No module named 'x'", "tests/test_a.py", Stage.BUILD),
        ("pytest", "ModuleNotFoundError", "No module named 'x'", "tests/test_a.py::test_a", Stage.TESTS),
        ("pytest", "ValueError", "at import", "tests/test_a.py", Stage.TESTS),
        ("go", "", "undefined: x", "", Stage.BUILD),
        ("eslint", "", "Parsing error: Unexpected token", "", Stage.BUILD),
    ],
)
def test_stage_of_one_diagnostic(tool: str, code: str, message: str, test_id: str, stage: Stage) -> None:
    found = Diagnostic(tool=tool, message=message, code=code, test_id=test_id)
    assert PARSERS[tool].stage_of(found) is stage
