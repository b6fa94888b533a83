"""What changed between two runs: the rules of proof, as tables and as properties."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from llm.checks.compare import compare, flaky, items, less_executed
from llm.domain import Check, CheckResult, Diagnostic, TestOutcome, TestStatus

P, F, E, S = TestStatus.PASSED, TestStatus.FAILED, TestStatus.ERROR, TestStatus.SKIPPED
CHECK = Check("t", "t")


def outcome(outcomes: Mapping[str, TestStatus], killed: str = "", exit_code: int | None = None) -> CheckResult:
    red = any(s in (F, E) for s in outcomes.values())
    code = None if killed else int(red) if exit_code is None else exit_code
    tests = tuple(TestOutcome(name, status) for name, status in outcomes.items())
    return CheckResult(CHECK, ("t",), code, 0.1, killed=killed, tests=tests)


def linted(*messages: str, exit_code: int | None = None, severity: str = "error") -> CheckResult:
    found = tuple(Diagnostic("lint", m, "a.py", line=n, severity=severity) for n, m in enumerate(messages))
    return CheckResult(CHECK, ("t",), int(bool(found)) if exit_code is None else exit_code, 0.1, diagnostics=found)


def test_fixed_broken_and_still_red_tests() -> None:
    found = compare(
        [outcome({"a": F, "b": E, "c": P, "d": P})], [outcome({"a": P, "b": F, "c": F, "d": P, "n": F})]
    )
    assert (found.fail_to_pass, found.still_failing, found.newly_failing) == (
        ("t::a",),
        ("t::b",),
        ("t::c", "t::n"),
    )


def test_a_test_that_is_gone_is_missing_never_passed() -> None:
    found = compare([outcome({"a": F, "b": P})], [outcome({})])
    assert found.missing == ("t::a", "t::b") and not found.fail_to_pass


def test_skipping_is_not_passing() -> None:
    found = compare([outcome({"a": F, "b": P, "c": S})], [outcome({"a": S, "b": S, "c": S})])
    assert (found.still_failing, found.newly_failing, found.fail_to_pass) == (("t::a",), ("t::b",), ())


def test_a_file_that_loads_again_gives_way_to_its_tests() -> None:
    found = compare([outcome({"test_a.py": E})], [outcome({"test_a.py::test_x": P})])
    assert found.fail_to_pass == ("t::test_a.py",) and not found.missing
    assert compare([outcome({"test_a.py": E})], [outcome({"test_ab.py::test_x": P})]).missing == ("t::test_a.py",)


def test_a_file_that_loads_again_only_to_skip_its_tests_proves_nothing() -> None:
    assert compare([outcome({"test_a.py": E})], [outcome({"test_a.py::test_x": S})]).missing == ("t::test_a.py",)


def test_fewer_executed_tests_are_named() -> None:
    before = outcome({"a": P, "b": F, "c": S})
    assert less_executed([before], [outcome({"a": P, "b": P, "c": S})]) == ()
    assert less_executed([before], [outcome({"a": P, "b": P, "c": S, "d": S})]) == (
        "t: skipped, and not skipped before: d",
    )
    assert less_executed([before], [outcome({"a": P, "b": S, "c": S})])[1:] == (
        "t: 1 tests are executed, and 2 were before",
    )


def test_diagnostics_count_with_multiplicity() -> None:
    found = compare([linted("unused", "unused", "long")], [linted("unused")])
    assert found.fail_to_pass == ("t::lint:a.py::long", "t::lint:a.py::unused#2")
    assert found.still_failing == ("t::lint:a.py::unused",)
    assert compare([linted("unused")], [linted("unused", "unused")]).newly_failing == ("t::lint:a.py::unused#2",)


def test_a_linter_that_crashes_repairs_nothing() -> None:
    found = compare([linted("unused")], [linted(exit_code=2)])
    assert not found.fail_to_pass and found.still_failing == ("t::lint:a.py::unused",)
    assert found.newly_failing == ("t",)


def test_a_killed_or_missing_run_repairs_nothing() -> None:
    before = outcome({"a": F, "b": P})
    killed = compare([before], [outcome({"a": P}, killed="timeout")])
    assert killed.missing == ("t::b",) and killed.newly_failing == ("t",)
    gone = CheckResult(CHECK, ("t",), None, 0.0, not_run="no tool")
    for found in (compare([before], [gone]), compare([before], [])):
        assert not found.fail_to_pass and found.missing == ("t::a", "t::b") and found.still_failing == ("t",)


def test_a_check_that_did_not_run_before_blocks_nothing() -> None:
    gone = CheckResult(CHECK, ("t",), None, 0.0, not_run="no tool")
    assert compare([gone], [gone]) == compare([], []) and items(gone) == {}


def test_red_without_a_name_is_the_check_itself() -> None:
    covered = outcome({"a": P}, exit_code=2)
    assert items(covered) == {"t::a": True, "t": False}
    assert compare([covered], [outcome({"a": P})]).fail_to_pass == ("t",)
    assert compare([outcome({"a": P})], [covered]).newly_failing == ("t",)
    assert items(linted()) == {"t": True}


def test_warnings_are_blamed_only_where_no_error_is() -> None:
    assert items(linted("w", severity="warning", exit_code=1)) == {"t::lint:a.py::w": False}
    assert items(linted("w", severity="warning", exit_code=0)) == {"t": True}


def test_flaky_names_what_differs() -> None:
    assert flaky([outcome({"a": F, "b": P})], [outcome({"a": P, "b": P})]) == ("t::a",)
    assert flaky([outcome({"a": F})], [outcome({"a": F})]) == ()


OUTCOMES = st.dictionaries(st.sampled_from(["a", "b", "c", "f.py", "f.py::x"]), st.sampled_from([P, F, E, S]))
RUNS = st.one_of(
    st.builds(outcome, OUTCOMES, st.sampled_from(["", "timeout"]), st.sampled_from([None, 0, 1])),
    st.lists(st.sampled_from(["x", "y"]), max_size=4).map(lambda messages: linted(*messages)),
    st.just(CheckResult(CHECK, ("t",), None, 0.0, not_run="no tool")),
)


@given(RUNS, RUNS)
def test_every_item_has_at_most_one_verdict(before: CheckResult, after: CheckResult) -> None:
    found = compare([before], [after])
    every = (*found.fail_to_pass, *found.still_failing, *found.newly_failing, *found.missing)
    assert len(every) == len(set(every))
    assert {name for name, fine in items(before).items() if not fine} <= set(every)


@given(RUNS)
def test_a_run_compared_with_itself_changes_nothing(run: CheckResult) -> None:
    found = compare([run], [run])
    assert not (found.fail_to_pass or found.newly_failing or found.missing) and flaky([run], [run]) == ()
    assert set(found.still_failing) == {name for name, fine in items(run).items() if not fine}


@given(RUNS, RUNS)
def test_all_red_gone_and_nothing_lost_means_green(before: CheckResult, after: CheckResult) -> None:
    found = compare([before], [after])
    if not (found.still_failing or found.newly_failing or found.missing) and not before.not_run:
        assert after.green


@given(RUNS, RUNS)
def test_flaky_is_symmetric(one: CheckResult, two: CheckResult) -> None:
    assert flaky([one], [two]) == flaky([two], [one])
