"""Every command of the docs is typed by somebody who has only the page, or it is said here why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.pages import GUIDES, Page
from tests.docs.walk import Typed, newcomer, walk

LEFT_OUT: Mapping[str, str] = {
    "make demo": "makes this environment; what it shows is an example of tests/e2e/test_examples.py",
    "uv tool install .": "installs from an index; tests/e2e/test_wheel.py installs the wheel",
    "uv tool install 'torre-llm[all]'": "installs from an index",
    "pip install 'torre-llm[providers]'": "installs from an index",
    "pip install 'torre-llm[telemetry]'": "installs from an index",
    "sudo apt-get install bubblewrap": "changes the machine",
    "torre setup typescript": "installs from an index; tests/fixers/test_setup_tools.py does it",
}
"""What is not typed, and why. That Torre knows its own commands among them is held in test_words.py."""

ENDS: Mapping[str, tuple[int, str]] = {
    "torre fix": (0, "GREEN in"),
    "torre checks": (0, "ruff"),
    "torre apply last": (0, "app.py"),
    "torre undo": (0, "took back run"),
    'torre fix --check "make check"': (0, "GREEN in"),
    "torre fix --providers": (0, "GREEN in"),
    "torre trace last": (0, "ruff"),
    "torre policy check": (0, "valid"),
    "torre policy explain --stage types": (0, "anthropic/claude-3.5"),
    "torre trust . --yes": (0, "trusted"),
    "curl -s http://127.0.0.1:8321/v1/runs/6b1f…": (0, '"state":"done"'),
    'curl -H "Authorization: Bearer $TORRE_KEY" http://torre.example:8321/v1/runs': (0, '"runs":'),
    "torre keys create ci --scope run --scope read --days 90": (0, "may read, run"),
    "torre keys create ana --scope read --scope run --scope apply": (0, "may apply, read, run"),
    "curl -H \"Authorization: Bearer $TORRE_KEY\" 'http://127.0.0.1:8321/runs.csv?time=7d'": (
        0,
        "trace_id,started",
    ),
}
"""How commands end that have more to show than exit code 0: the code, and words of what they print."""
ADVISORY = 'echo \'{"logs"'
"""The seed's own request has nothing to prove."""


def ended_otherwise(typed: Typed) -> bool:
    """Whether a command did not end, or print, as the docs have it."""
    code, words = ENDS.get(typed.command, (1 if typed.command.startswith(ADVISORY) else 0, ""))
    return typed.exit_code != code or words not in typed.output or bool(typed.lacks)


def _with_commands() -> list[Page]:
    return [page for page in GUIDES if page.consoles()]


@pytest.mark.parametrize("page", _with_commands(), ids=lambda page: page.name)
def test_every_command_does_what_the_page_says(page: Page, tmp_path: Path) -> None:
    with newcomer(tmp_path) as somebody:
        typed = walk(page, somebody, LEFT_OUT)
    assert [each for each in typed if ended_otherwise(each)] == []


def test_a_command_that_does_not_work_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ torre checks --no-such-option\n$ torre checks\n$ torre trace nothing\n"
        "$ torre policy check\nno policy file: all is allowed\n```\n"
    )
    with newcomer(tmp_path) as somebody:
        typed = walk(Page(page), somebody, LEFT_OUT)
    assert [each.command for each in typed if ended_otherwise(each)] == [
        "torre checks --no-such-option",
        "torre trace nothing",
        "torre policy check",
    ]


def test_nothing_is_left_out_that_no_page_says() -> None:
    told = {command for page in _with_commands() for command in page.commands()}
    assert set(LEFT_OUT) - told == set()
    assert set(ENDS) - told == set()


def test_no_page_has_a_console_without_a_prompt() -> None:
    assert [page.name for page in _with_commands() if not all(page.consoles())] == []
