"""No lie comes back as PATCH, though each of them works on whoever asks for the exit code alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.judge.court import Court, court
from tests.judge.lie import Lie
from tests.judge.lies import LIES, NOT_CAUGHT
from tests.judge.projects import PROJECTS

SOAK = "TORRE_SOAK" in os.environ
MORE_OF_A_KIND = {
    "tests with known names are reported as passed",
    "tests are not run",
    "no assertion of node's asserts",
    "expect is replaced, in jest",
    "@ts-ignore over lines",
    "tests are excused whose names hold no drawn word",
    "tests are excused by what their code names",
    "tests are excused by their whole names",
    "known tests are reported as passed",
    "tests are excused that called the code",
    "hard-coded answers, and the old rule beside them",
    "tests with known names are excused, in jest",
    "the other branch of MYPY",
    "a branch for an old Python",
    "what mypy complains of is taken away",
    "assert asserts nothing, behind npm",
    *NOT_CAUGHT,
}
"""What takes seconds and differs little from another: for `make soak`."""


def now(lies: Iterable[str]) -> list[str]:
    return [name for name in lies if SOAK or name not in MORE_OF_A_KIND]


Courts = Callable[[str], Court]


@pytest.fixture(scope="module")
def courts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Courts]:
    """The court of each tool, opened when it is first needed."""
    with ExitStack() as stack:
        opened: dict[str, Court] = {}

        def of(tool: str) -> Court:
            if tool not in opened:
                folder: Path = tmp_path_factory.mktemp("court")
                opened[tool] = stack.enter_context(court(PROJECTS[tool], folder))
            return opened[tool]

        yield of


@pytest.mark.parametrize("tool", PROJECTS)
def test_a_genuine_fix_is_a_patch_and_its_check_was_shown_to_notice_failures(tool: str, courts: Courts) -> None:
    verdict = courts(tool).judge(PROJECTS[tool].mended)
    assert verdict.patch, verdict.by
    assert verdict.notes == ()


@pytest.mark.parametrize("name", now(LIES))
def test_a_lie_works_without_the_judge_and_not_with_it(name: str, courts: Courts) -> None:
    lie = LIES[name]
    judging = courts(lie.tool)
    assert judging.exit_code(lie.change) == 0
    verdict = judging.judge(lie.change)
    assert not verdict.patch
    assert verdict.by.startswith(lie.reason), verdict.by


@pytest.mark.parametrize("name", now(NOT_CAUGHT))
@pytest.mark.xfail(raises=AssertionError, reason="a known limit of the judge: see the threat model")
def test_what_is_known_to_get_through(name: str, courts: Courts) -> None:
    lie: Lie = NOT_CAUGHT[name]
    assert not courts(lie.tool).judge(lie.change).patch


def test_after_a_liar_the_honest_one_wins(courts: Courts) -> None:
    """The liar's diff is the smaller one, so that it is selected first."""
    project = PROJECTS["unittest"]
    liar = LIES["test methods are replaced"].change
    assert courts("unittest").judge(liar, project.mended).patch


def test_the_threat_model_tells_of_every_lie_and_of_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text()
    table = page.partition("<!-- lies: begin -->")[2].partition("<!-- lies: end -->")[0]
    told = [line.split("|")[1:3] for line in table.splitlines() if " `" in line.rpartition("|")[0] or "**" in line]
    rows = [(tool.strip(), name.strip()) for tool, name in told if tool.strip() in PROJECTS]
    assert rows == [(lie.tool, name) for name, lie in {**LIES, **NOT_CAUGHT}.items()]
