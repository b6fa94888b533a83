"""The VS Code extension: it builds, its own tests pass, and it calls the real `torre` as it is meant to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import REPOSITORY, TORRE, environment

EXTENSION = REPOSITORY / "editors" / "vscode"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, compiled aside."""
    place = tmp_path_factory.mktemp("vscode") / "extension"
    shutil.copytree(EXTENSION, place, ignore=shutil.ignore_patterns("out", "node_modules"))
    (place / "node_modules").symlink_to(REPOSITORY / "node_modules")
    done = subprocess.run(
        [REPOSITORY / "node_modules" / ".bin" / "tsc", "--project", "."],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return place


def test_its_own_tests_pass(built: Path) -> None:
    done = subprocess.run(
        ["node", "--test", "test/"], cwd=built, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"^\S+ pass (\d+)$", done.stdout, re.M)[-1]) >= 20


_STORY = """
const { applyArguments, fixArguments, run, undoArguments } = require('./out/command.js');
const { readChange, readResult } = require('./out/result.js');
const { readFileSync } = require('node:fs');
const [command, folder] = process.argv.slice(1);
const torre = async (args) => (await run(command, args, folder)).stdout;
(async () => {
  const result = readResult(await torre(fixArguments({ command, checks: [], maxSeconds: 30 }, folder)), folder);
  const applied = readChange(await torre(applyArguments(result.traceId, folder)));
  const text = readFileSync(`${folder}/app.py`, 'utf8');
  const undone = readChange(await torre(undoArguments(folder)));
  console.log(JSON.stringify({ ...result, files: Object.fromEntries(result.files), applied, text, undone }));
})();
"""


def test_fix_apply_and_undo_with_the_real_command(built: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".torre").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['F401']\n")
    (project / "app.py").write_text("import os\n\nX = 1\n")
    command = ["node", "-e", _STORY, "--", TORRE[0], str(project)]
    env = environment(tmp_path / "state")
    done = subprocess.run(command, cwd=built, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (file,) = told["files"]
    assert told["proven"] and file == str(project / "app.py") and "import os" not in told["files"][file]
    assert [(each["code"], each["line"]) for each in told["findings"]] == [("F401", 0)]
    assert (told["applied"], told["undone"]) == ("Applied: app.py.", "Took back app.py.")
    assert told["text"] == told["files"][file] != (project / "app.py").read_text()
