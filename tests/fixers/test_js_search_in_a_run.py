"""The search for JavaScript in a whole run: proven where candidates agree, advice where they differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.domain import Mode, RepairRequest, Run
from llm.pipeline import repair
from llm.report.contract import as_contract
from tests.fixers.red_builds import NODE_MODULES
from tests.fixers.test_js_search import BUGS, ESM

AGE = "export const isAdult = (age) => age > 18;\n"
AGE_TEST = """\
import assert from "node:assert/strict";
import test from "node:test";
import { isAdult } from "../src/age.js";

test("adults", () => {
  assert.equal(isAdult(18), true);
  assert.equal(isAdult(30), true);
});
"""


def fixed(repository: Path, files: dict[str, str], command: str) -> Run:
    """Torre on these files, in a repository whose `node_modules` are this one's."""
    workspace = repository / "app"
    for path, text in files.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(text)
    (repository / ".git").mkdir()
    (repository / "node_modules").symlink_to(NODE_MODULES)
    request = RepairRequest(
        trace_id="6f1f4c9e-0000-4000-8000-000000000002",
        workspace=workspace,
        checks=(command,),
        max_seconds=300.0,
    )
    return repair(request, lambda event: None)


@pytest.mark.parametrize("name", ["the fault is in the second of two files", "the loop runs once too often"])
def test_is_proven(name: str, tmp_path: Path) -> None:
    bug = BUGS[name]
    run = fixed(tmp_path, bug.files, bug.command)
    path, mended = bug.mended
    assert run.mode is Mode.PATCH, run.summary
    assert set(run.files) == {path} and mended in str(run.files[path])
    assert run.selection.winner is not None and run.selection.winner.behaviour, "it was compared beyond the tests"


def test_where_guesses_differ_it_is_advice_with_the_input_that_tells_them_apart(tmp_path: Path) -> None:
    files = {"package.json": ESM, "src/age.js": AGE, "test/age.test.js": AGE_TEST}
    run = fixed(tmp_path, files, "node --test test/")
    assert run.mode is Mode.ADVISORY and run.exit_code == 1
    answer = as_contract(run)
    assert answer["ambiguous"] is True and answer["diff"]
    assert "isAdult(" in answer["report"]["winner"]["distinguishing"]
