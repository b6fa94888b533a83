"""Which lines are one simple command, and which program it runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.checks.command import Invocation, drop, invocation, parse
from llm.checks.recognise import check_of


@pytest.mark.parametrize(
    "line",
    ["a | b", "a && b", "a; b", "a > f", "ls *.py", "echo $HOME", "`a`", "echo 'x", 'e "$A"', "", "A=1", "a &"],
)
def test_a_line_that_needs_a_shell_is_left_to_it(line: str) -> None:
    assert parse(line) is None


def test_a_simple_line_with_its_variables() -> None:
    found = parse("A=1 B='two words' pytest -k 'a and b' \"src/**\"")
    assert found and found.env == {"A": "1", "B": "two words"}
    assert found.argv == ("pytest", "-k", "a and b", "src/**")


@pytest.mark.parametrize(
    ("line", "launcher", "program", "args"),
    [
        ("pytest -q", ("pytest",), "pytest", ("-q",)),
        ("python -X dev -m pytest -q", ("python", "-X", "dev", "-m", "pytest"), "pytest", ("-q",)),
        ("uv run --group dev python3.12 -m mypy .", ("python3.12", "-m", "mypy"), "mypy", (".",)),
        ("npx --no-install eslint .", ("eslint",), "eslint", (".",)),
        ("npm exec -- tsc -b", ("tsc",), "tsc", ("-b",)),
        (".venv/bin/ruff check", (".venv/bin/ruff",), "ruff", ("check",)),
        ("python script.py", ("python",), "python", ("script.py",)),
        ("python -c pass", ("python",), "python", ("-c", "pass")),
        ("npx", ("npx",), "npx", ()),
    ],
)
def test_the_program_behind_its_launchers(
    line: str, launcher: tuple[str, ...], program: str, args: tuple[str, ...]
) -> None:
    command = parse(line)
    assert command and invocation(command.argv) == Invocation(launcher, program, args)


def test_drop_takes_an_option_with_its_value() -> None:
    assert drop(("-f", "x", "--format=y", ".", "--formatted"), "-f", "--format") == (".", "--formatted")


@pytest.mark.parametrize(
    ("line", "tool", "stage"),
    [
        ("yarn test", "", "tests"),
        ("npm run typecheck", "", "types"),
        ("make latest", "", "general"),
        ("ruff check --fix .", "", "style"),
        ("pnpm vitest", "vitest", "tests"),
        ("go vet ./...", "go", "style"),
        ("cargo test", "cargo", "tests"),
        ("tsc --watch", "", "types"),
        ("make build", "", "build"),
    ],
)
def test_tool_and_stage_of_a_line(line: str, tool: str, stage: str) -> None:
    check = check_of(line)
    assert (check.tool, check.stage) == (tool, stage)


@given(st.text(max_size=60))
def test_any_text_is_a_check(line: str) -> None:
    assert check_of(line).command == line
