"""What the pages call by name is there: options, commands, variables, exit codes."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import opentelemetry.environment_variables as api
import opentelemetry.sdk.environment_variables as sdk
import pytest

from llm import cli, conclude, errors
from llm.apply import transaction
from llm.arguments import build_parser
from llm.domain import Skipped, SkipReason, Stage
from llm.providers.attempts import Failure, exit_code
from tests.docs.pages import PAGES, Page
from tests.e2e.conftest import REPOSITORY

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_READ = re.compile(r'env(?:iron)?\.get\(\s*"([A-Z]\w+)"')
_EXAMPLES = {"ACME_KEY", "TORRE_KEY"}
"""Names that a reader chooses."""
_SYSTEMS_OWN = {"HOME", "PATH", "TERM", "NO_COLOR", "VIRTUAL_ENV", "PYENV_VERSION", "XDG_RUNTIME_DIR"}
"""What others set for every program."""


@cache
def parser_of(*command: str) -> argparse.ArgumentParser:
    """The parser of a command, or of Torre. KeyError: there is no such."""
    return _below(parser_of(*command[:-1]))[command[-1]] if command else build_parser()


def _below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: found for group in groups for name, found in group.choices.items()}


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Its own, and those of all commands below it."""
    yield from (option for action in parser._actions for option in action.option_strings)
    for below in _below(parser).values():
        yield from _options(below)


def misnamed(page: Page) -> list[str]:
    """Commands and options that are named in a page and that Torre does not have."""
    told = [*page.spans, *page.commands()]
    known = set(_options(parser_of()))
    found = [text for text in told if text.split()[:1] == ["torre"] and not _is_torre(text)]
    loose = [option for text in page.spans if text.startswith("--") for option in _OPTION.findall(text)]
    return found + [option for option in (*loose, *_OPTION.findall(page.prose)) if option not in known]


def _is_torre(text: str) -> bool:
    words = shlex.split(re.split(r"[|>&]", text)[0].replace("\\\n", " "))[1:]
    command: tuple[str, ...] = ()
    for word in words:
        if word not in _below(parser_of(*command)):
            break
        command = (*command, word)
    named = not words or bool(command) or words[0].startswith("-") or words[0].isupper()
    return named and set(_OPTION.findall(" ".join(words))) <= set(_options(parser_of(*command)))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not page.name.startswith("bench/")], ids=lambda page: page.name
)
def test_every_command_and_option_that_is_named_is_there(page: Page) -> None:
    assert misnamed(page) == []


def test_a_command_or_option_that_is_not_there_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`torre fix --apply`, `torre keys list`, `torre mend`, `torre fix --least 3`, `--grace S`, `--mend`.\n\n"
        "And --fixx.\n\n"
        "```console\n$ torre trace last --diff 1 | git apply --check\n$ torre trace --sideways\n```\n"
    )
    assert misnamed(Page(page)) == [
        "torre mend",
        "torre fix --least 3",
        "torre trace --sideways",
        "--mend",
        "--fixx",
    ]


@cache
def _code() -> str:
    """All that Torre is made of, as text, and the names that OpenTelemetry reads for it."""
    kinds = ("llm/**/*.py", "llm/**/*.mjs", "llm/**/*.cjs", "ci/*", "action.yml", "Makefile", "tests/**/*.py")
    paths = [path for kind in kinds for path in sorted(REPOSITORY.glob(kind))]
    return "\n".join([*vars(sdk), *vars(api), *(path.read_text() for path in paths)])


def unknown_variables(page: Page) -> list[str]:
    """Environment variables that a page names and no code does."""
    told = {name for text in (*page.spans, page.prose) for name in _VARIABLE.findall(text)}
    return sorted(name for name in told - _EXAMPLES if not re.search(rf"\b{name}\b", _code()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_is_named_is_used(page: Page) -> None:
    assert unknown_variables(page) == []


def test_a_variable_that_is_not_used_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    unused = "_".join(["TORRE", "MEND"])
    page.write_text(f"`TORRE_APPLY=1` and `{unused}=1`\n")
    assert unknown_variables(Page(page)) == [unused]


def test_every_variable_that_is_read_is_in_the_reference() -> None:
    outside = [path for path in (REPOSITORY / "llm").rglob("*.py") if "inside" not in path.parts]
    code = "\n".join(path.read_text() for path in outside)
    read = {name for name in _READ.findall(code) if "XDG_" in name or "TORRE_" in name or name == "PROVIDERS_V1"}
    reference = (REPOSITORY / "docs" / "cli.md").read_text()
    assert {"PROVIDERS_V1", "TORRE_APPLY", "TORRE_LEDGER"} <= read
    assert [name for name in sorted(read - _SYSTEMS_OWN) if f"`{name}`" not in reference] == []


def _exit_codes() -> set[int]:
    """Those that the code gives."""
    tree = [errors.TorreError]
    for error in tree:
        tree += error.__subclasses__()
    refused = exit_code([Skipped("a/b", SkipReason.QUOTA)], [], 0)
    failed = exit_code([], [Failure("a/b", "server", "503")], 0)
    ends = {conclude.PROVEN, conclude.STILL_RED, refused, failed, transaction.ROLLED_BACK, cli._INTERNAL}
    return ends | {error.exit_code for error in tree}


@pytest.mark.parametrize("name", ["README.md", "README.pt-BR.md", "docs/cli.md"])
def test_the_table_of_exit_codes_is_that_of_the_code(name: str) -> None:
    rows = re.findall(r"^\| (\d[\d, ]*) \|", (REPOSITORY / name).read_text(), re.M)
    assert {int(code) for row in rows for code in row.split(",")} == _exit_codes()


def test_the_stages_are_those_of_the_code() -> None:
    reference = (REPOSITORY / "docs" / "checks.md").read_text()
    assert [stage for stage in Stage if f"`{stage}`" not in reference] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_extra_that_is_named_can_be_installed(page: Page) -> None:
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"torre-llm\[(\w+)\]", page.text)) <= set(known)
