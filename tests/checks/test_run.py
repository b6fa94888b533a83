"""Checks that misbehave: missing tools, hangs, floods, broken shells; and what a run leaves untouched."""

from __future__ import annotations

from threading import Event, Timer

import pytest

from llm.checks.baseline import side_by_side
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.sandbox import open_sandbox
from llm.sandbox.base import Limits
from tests.checks.conftest import Make, Run


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("cargo-nothing-here --version", "cargo-nothing-here"),
        ("no-such-linter . | cat; exit 127", "no-such-linter"),
        ("make lint", "no-such-linter"),
        ("python -I -S -m pytest", "pytest"),
        ("python -m flake8 .; exit 1", "flake8"),
        ("./node_modules/.bin/no-eslint .", "no-eslint"),
    ],
)
def test_a_missing_tool_is_named_and_never_green(run: Run, command: str, named: str) -> None:
    result = run({"Makefile": "lint:\n\tno-such-linter .\n"}, command)
    assert named in result.not_run and "not installed" in result.not_run and not result.green


def test_a_missing_known_tool_says_how_to_install_it(run: Run) -> None:
    result = run({"a.js": ""}, "/nowhere/bin/eslint .")
    assert "npm install --save-dev eslint" in result.not_run and result.exit_code is None


def test_a_missing_module_of_the_workspace_itself_is_red(run: Run) -> None:
    result = run({}, "python -m app")
    assert not result.not_run and not result.green and "No module named app" in result.output


@pytest.mark.parametrize("command", [".venv/bin/ruff check .", "./node_modules/.bin/eslint ."])
def test_a_tool_by_its_relative_path(run: Run, command: str) -> None:
    result = run(
        {"a.py": "import os\n", "a.js": "let = ;\n", "eslint.config.mjs": "export default [];\n"}, command
    )
    assert not result.not_run and len(result.diagnostics) == 1 and result.diagnostics[0].line == 1


def test_a_hang_is_a_timeout(run: Run) -> None:
    result = run({}, "sleep 60", limits=Limits(wall_s=1))
    assert result.killed == "timeout" and not result.green and result.duration_s < 10


def test_a_cancelled_check_says_so(run: Run) -> None:
    cancel = Event()
    Timer(0.5, cancel.set).start()
    assert run({}, "sleep 60", cancel=cancel).killed == "cancelled"


def test_a_flood_is_stopped_and_only_its_tail_is_kept(run: Run) -> None:
    result = run({}, "yes | head -c 1000000000; exit 1")
    assert not result.green and len(result.output) <= 8000


def test_output_is_free_of_control_sequences(run: Run) -> None:
    result = run({}, r"printf '\033[31mred\033[0m \033]52;c;aGk=\007done'; exit 3")
    assert result.output == "red done" and result.exit_code == 3


def test_a_broken_line_is_the_shells_to_complain_of(run: Run) -> None:
    result = run({}, "echo 'open")
    assert not result.green and not result.not_run and "quot" in result.output.lower()


def test_any_other_command_is_green_by_its_exit_code(run: Run) -> None:
    assert run({"a.txt": "x"}, "VALUE=x grep -q x a.txt").green
    assert run({"sub/a.txt": "x"}, "test -f a.txt", directory="sub").green


def test_files_are_seen_by_the_check_and_left_out_of_the_workspace(run: Run, make: Make) -> None:
    files = {"a.py": "import os\n"}
    assert run(files, "ruff check a.py", files={"a.py": b"X = 1\n"}).green
    assert (make({}) / "a.py").read_text() == "import os\n"


def test_text_of_an_unknown_command_is_still_read(run: Run) -> None:
    result = run({"a.py": "x: int = 'one'\n"}, "mypy a.py; exit 1")
    assert [(d.tool, d.path, d.line) for d in result.diagnostics if d.tool == "mypy"] == [("mypy", "a.py", 1)]


@pytest.mark.parametrize(
    "forged", ['{"id": "a", "status": "fine"}', '{"status": "passed"}', '{"id": "a", "status": [1]}']
)
def test_a_report_that_is_not_the_tools_is_never_green(run: Run, forged: str) -> None:
    result = run({"forged": forged}, "cat forged > $TORRE_REPORT")
    assert result.exit_code == 0 and not result.green and "cannot be read" in result.not_run


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"conftest.py": "import os\nos._exit(0)\n"}, "pytest"),
        ({"test_a.py": "import os\nos._exit(0)\n"}, "python -m unittest"),
        ({"eslint.config.mjs": "process.exit(0);\n"}, "eslint ."),
        ({"vitest.config.mjs": "process.exit(0);\n"}, "vitest run"),
        ({"jest.config.js": "process.exit(0);\n"}, "jest"),
    ],
)
def test_leaving_early_with_exit_code_0_is_never_green(run: Run, files: dict[str, str], command: str) -> None:
    result = run(files, command)
    assert not result.green, result


def test_results_come_in_the_order_of_the_checks(make: Make) -> None:
    top = make({})
    with open_sandbox(top) as sandbox:
        checks = [check_of("sleep 0.5"), check_of("false")]
        results = side_by_side(lambda check, stop: run_check(check, sandbox, top, cancel=stop), checks)
    assert [(r.check.command, r.green) for r in results] == [("sleep 0.5", True), ("false", False)]
