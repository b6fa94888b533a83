"""`--format` on the command line: which form goes where, and what is refused before anything runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, Ran, environment


@pytest.fixture
def fix(tmp_path: Path) -> Callable[..., Ran]:
    """Runs `torre fix` on a small project whose only check is `false`, so that it is over soon."""
    place = tmp_path / "project"
    (place / ".torre").mkdir(parents=True)

    def run(*arguments: str, stdin: str = "", check: str = "false", **variables: str) -> Ran:
        where = [] if stdin else ["--check", check, str(place)]
        command = [*TORRE, "fix", "--max-seconds", "0", *arguments, *where]
        env = environment(tmp_path / "state", **variables)
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def test_several_forms_in_one_run(fix: Callable[..., Ran], tmp_path: Path) -> None:
    done = fix("--format", "json=a.json", "--format", "junit=b.xml", "--format", "github")
    assert done.exit_code == 1
    assert json.loads((tmp_path / "a.json").read_text())["exit_code"] == 1
    assert (tmp_path / "b.xml").read_text().startswith("<?xml")
    assert done.stdout.startswith("::error title=") and "STILL RED in" in done.stderr


def test_json_is_the_option_of_that_name(fix: Callable[..., Ran]) -> None:
    def shape(done: Ran) -> set[str]:
        return set(done.json())

    assert shape(fix("--json")) == shape(fix("--format", "json"))


def test_where_only_files_are_named_a_person_reads_stdout(fix: Callable[..., Ran], tmp_path: Path) -> None:
    done = fix("--format", f"sarif={tmp_path / 'a.sarif'}")
    assert done.stdout.rstrip().splitlines()[-1].startswith("STILL RED in")


def test_the_stdin_contract_stays_json_unless_a_form_is_named(fix: Callable[..., Ran], tmp_path: Path) -> None:
    asked = json.dumps({"files": {"a.py": "x = 1\n"}, "checks": ["false"]})
    assert fix("-", "--format", "junit=a.xml", stdin=asked).json()["mode"] == "ADVISORY"
    assert fix("-", "--format", "junit", stdin=asked).stdout.startswith("<?xml")


def test_nothing_proven_gives_git_apply_nothing(fix: Callable[..., Ran]) -> None:
    done = fix("--format", "diff")
    assert (done.exit_code, done.stdout) == (1, "") and "STILL RED" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "yaml"], "expected one of"),
        (["--format", "json="], "expected a file after json="),
        (["--format", "json", "--format", "sarif"], "only one form can go to stdout"),
        (["--json", "--format", "sarif"], "only one form can go to stdout"),
        (["--format", "json=no/such/place"], "no/such/place cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    fix: Callable[..., Ran], tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = fix(*arguments, check="touch ran; false")
    assert done.exit_code == 2 and words in done.stderr + done.stdout
    assert not (tmp_path / "project" / ".torre" / "runs").exists()


def test_a_refusal_is_told_in_the_form_that_was_asked_for(fix: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "project" / ".torre" / "providers.yaml").write_text("alowed: []\n")
    assert "alowed" in fix("--format", "json").json()["error"]["message"]
    other = fix("--format", "sarif")
    assert other.stdout == "" and "alowed" in other.stderr


def test_what_an_earlier_run_wrote_does_not_pass_for_this_ones(fix: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "a.diff").write_text("--- a/old\n")
    (tmp_path / "project" / ".torre" / "providers.yaml").write_text("alowed: []\n")
    assert fix("--format", "diff=a.diff").exit_code == 2
    assert (tmp_path / "a.diff").read_text() == ""


def test_the_summary_is_added_to_what_other_steps_wrote(fix: Callable[..., Ran], tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    fix("--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().startswith("before\n### STILL RED")


def test_a_summary_that_cannot_be_written_does_not_cost_the_result(fix: Callable[..., Ran]) -> None:
    done = fix("--format", "github", GITHUB_STEP_SUMMARY="/no/such/place")
    assert done.exit_code == 1 and "::error" in done.stdout and "/no/such/place cannot be written" in done.stderr
