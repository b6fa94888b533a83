"""The references are those of the code that is here, and no key or option is without its words."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm.providers.policy_schema import json_schema
from tests.e2e.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = ("cli.md", "policy.md")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as the tool leaves them, from pages whose references are out of date."""
    folder = tmp_path_factory.mktemp("docs")
    for name in PAGES:
        shutil.copy(DOCS / name, folder)
        text = (folder / name).read_text()
        assert "| --- | --- |" in text
        (folder / name).write_text(text.replace("| --- | --- |", "| old | old |"))
    tool = REPOSITORY / "tools" / "references.py"
    subprocess.run([sys.executable, "-P", str(tool), str(folder)], check=True, timeout=60)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_is_current(name: str, made: Path) -> None:
    assert (DOCS / name).read_text() == (made / name).read_text(), "run: make schema"


def test_every_key_of_the_policy_is_told_and_in_the_reference() -> None:
    schema: Any = json_schema()
    reference = (DOCS / "policy.md").read_text()
    keys = {name: key for table in schema["$defs"].values() for name, key in table["properties"].items()}
    assert [name for name, key in keys.items() if not key.get("description")] == []
    assert [name for name in keys if f"| `{name}` |" not in reference] == []


def test_every_command_and_option_is_in_the_reference() -> None:
    """By what `--help` prints, and not by the parser that the reference is made from."""
    reference = (DOCS / "cli.md").read_text()
    for command in ("fix", "serve", "keys create", "policy explain"):
        argv = [str(Path(sys.executable).with_name("torre")), *command.split(), "--help"]
        printed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
        section = reference.partition(f"### `torre {command}`\n")[2].partition("\n### ")[0]
        words = {word.strip("[],;:)") for word in printed.split()}
        options = {word for word in words if word.startswith("--") and word != "--help"}
        assert options and [option for option in options if f"`{option}" not in section] == []
