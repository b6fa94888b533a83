"""`torre fix --apply`, `apply`, `undo`, `unlock` and `doctor`, as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from llm.apply.lock import hold
from llm.apply.plan import as_details, plan_of, plan_of_stored
from llm.apply.transaction import Terms, apply_plan
from llm.domain import Baseline, Isolation, Mode, RepairRequest, Run, Selection, Stage, Triage
from llm.errors import InputError
from llm.ledger.trace_rows import FINISHED, RunRow, StoredRun
from tests.apply.projects import GREEN, ID, RED, RULES, plan

TORRE = Path(sys.executable).with_name("torre")
SCHEMA = json.loads((Path(__file__).parents[2] / "llm/report/output.schema.json").read_text("utf-8"))
BROKEN, FIXED = "import os\n\nVALUE = 1\n", "\nVALUE = 1\n"
Env = Mapping[str, str]
Ran = subprocess.CompletedProcess[str]
Torre = Callable[..., Ran]


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A project that one embedded fixer turns green."""
    root = tmp_path / "red"
    (root / ".torre").mkdir(parents=True)
    (root / "ruff.toml").write_text("lint.select = ['F']\n")
    (root / "app.py").write_text(BROKEN)
    return root


@pytest.fixture
def torre(red: Path, env: Env) -> Torre:
    def run(*arguments: str, **extra: str) -> Ran:
        path = f"{TORRE.parent}{os.pathsep}{env['PATH']}"
        return subprocess.run(
            [TORRE, *arguments],
            cwd=red,
            env={**env, "PATH": path, **extra},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def _object(ran: Ran) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


def test_fix_apply_undo_and_apply_again(red: Path, torre: Torre) -> None:
    done = torre("fix", "--json", "--apply")
    made = _object(done)
    jsonschema.validate(made, SCHEMA)
    assert (done.returncode, made["mode"], made["applied"]["status"]) == (0, "PATCH", "applied")
    assert made["applied"]["files"] == ["app.py"] and made["applied"]["checks"][0]["green"]
    assert (red / "app.py").read_text() == FIXED
    undone = torre("undo")
    assert undone.returncode == 0 and (red / "app.py").read_text() == BROKEN and "app.py" in undone.stdout
    again = torre("apply", made["trace_id"][:8], "--json")
    assert _object(again)["applied"]["undo"] == 2 and (red / "app.py").read_text() == FIXED
    assert torre("apply", "last").returncode == 2, "it is not what it was any more"


def test_the_trace_of_a_run_says_what_became_of_its_patch(torre: Torre) -> None:
    trace_id = _object(torre("fix", "--json"))["trace_id"]
    assert _object(torre("trace", trace_id, "--json"))["applied"] == []
    torre("apply", trace_id)
    assert ": applied: app.py" in torre("trace", trace_id).stdout
    torre("undo")
    torre("apply", trace_id)
    told = _object(torre("trace", "last", "--json"))["applied"]
    assert [(each["number"], each["state"]) for each in told] == [(1, "applied and taken back"), (2, "applied")]
    assert "apply 1, " in torre("trace", trace_id).stdout


def test_fix_without_apply_writes_nothing_and_the_variable_does(red: Path, torre: Torre) -> None:
    assert "applied" not in _object(torre("fix", "--json")) and (red / "app.py").read_text() == BROKEN
    assert "Applied: app.py." in torre("fix", TORRE_APPLY="1").stdout and (red / "app.py").read_text() == FIXED


def test_a_locked_workspace_is_named_before_anything_is_searched(red: Path, torre: Torre, env: Env) -> None:
    with hold(red, env, "applying") as lock:
        lock.keep("run 7 was applied and rolled back: mypy is red")
    done = torre("fix", "--json", "--apply")
    jsonschema.validate(_object(done), SCHEMA)
    assert (
        done.returncode == 2
        and "mypy is red; look at it, then `torre unlock`" in _object(done)["error"]["message"]
    )
    examined = torre("doctor")
    assert (
        examined.returncode != 0 and "mypy is red" in examined.stdout and "remedy: torre unlock" in examined.stdout
    )
    assert "mypy is red" in torre("unlock").stdout
    assert "nothing was locked" in torre("unlock").stdout
    assert torre("fix", "--apply").returncode == 0


def test_a_rolled_back_apply_is_6(project: Path, env: Env) -> None:
    from llm.report.applied import applied_as_json, applied_as_text

    applied = apply_plan(plan(project, RED), env, Terms(RULES))
    schema = {**SCHEMA["$defs"]["applied"], "$defs": SCHEMA["$defs"]}
    jsonschema.validate(applied_as_json(applied), schema)
    assert applied.exit_code == 6 and "rolled back: on the real files old is red" in applied_as_text(applied)


@pytest.mark.parametrize("option", ["--commit", "--accept-reduced"])
def test_terms_without_an_apply_are_refused(torre: Torre, option: str) -> None:
    done = torre("fix", option)
    assert done.returncode == 2 and "--apply" in done.stderr


def test_files_without_a_workspace_cannot_be_applied_to(torre: Torre) -> None:
    request = json.dumps({"files": {"app.py": FIXED}})
    done = subprocess.run(
        [TORRE, "fix", "-", "--apply"], input=request, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "there is no workspace" in done.stdout


def test_what_is_not_proven_is_never_applied(project: Path) -> None:
    request = RepairRequest(ID, workspace=project)
    advisory = Run(
        request, Mode.ADVISORY, 1, "", Triage(Stage.STYLE, (), ""), Baseline(()), Selection(None, (), "")
    )
    assert plan_of(advisory) is None


def _kept(project: Path, **changes: Any) -> StoredRun:
    wanted = plan(project, GREEN)
    row = RunRow(
        ID,
        FINISHED,
        0.0,
        1.0,
        str(project),
        "",
        "style",
        "PATCH",
        0,
        "",
        1,
        0,
        "",
        "",
        wanted.diff,
        "full",
        0,
        0,
        0,
    )
    details = {"apply": json.loads(json.dumps(as_details(wanted)))}
    return StoredRun(replace(row, **changes), (), (), details)


def test_a_run_is_applied_as_it_was_kept(project: Path) -> None:
    assert plan_of_stored(_kept(project)) == replace(plan(project, GREEN), isolation=Isolation.FULL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "ADVISORY"}, "only a PATCH is applied"),
        ({"status": "interrupted", "mode": ""}, "interrupted"),
        ({"diff": "--- a/app.py\n[9 more characters]\n"}, "shortened or redacted"),
        ({"isolation": "strong"}, "shortened or redacted"),
        ({"isolation": "none of them"}, "cannot be read"),
    ],
)
def test_a_run_that_is_not_kept_whole_is_refused(project: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan_of_stored(_kept(project, **changes))
    with pytest.raises(InputError, match="older Torre"):
        plan_of_stored(replace(_kept(project), details={}))


def test_the_name_of_a_file_does_not_steer_a_terminal(red: Path, torre: Torre, env: Env) -> None:
    name = "\x1b[31mred\x1b]0;title\x07.py"
    (red / name).write_bytes(b"old\n")
    apply_plan(plan(red, after={name: b"new\n"}), env, Terms(RULES))
    (red / name).write_bytes(b"edited\n")
    said = torre("undo")
    assert said.returncode == 2 and "red.py was changed since" in said.stderr and "\x1b" not in said.stderr
