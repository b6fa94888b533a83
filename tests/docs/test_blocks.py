"""Every piece of JSON, YAML and TOML in the docs is one, and the tool that it is for accepts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from llm.checks.discover import discover
from llm.errors import InputError
from llm.providers.policy_reader import read_policy
from tests.ci.test_definitions import lint
from tests.docs.pages import PAGES, Block, Page

_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
LANGUAGES = {"console", "sh", "text", "json", "yaml", "toml", "python", ""}
KINDS = {
    "jobs": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    "include": ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"),
    "repos": ("pre-commit", "validate-config"),
    "scrape_configs": ("promtool", "check", "config", "--syntax-only"),
    "groups": ("promtool", "check", "rules"),
}
"""A key that tells what a piece of YAML is for, and who knows that best. Anything else is a policy."""


def wrong(block: Block, folder: Path) -> str:
    """Why a block is not accepted, or ""."""
    try:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            return _refused_by_torre(tomllib.loads(block.text), block.text, folder)
        elif block.language == "yaml":
            return _refused(yaml.safe_load(block.text), block.text, folder)
    except (ValueError, yaml.YAMLError) as error:
        return str(error)
    return ""


def _refused(found: Any, text: str, folder: Path) -> str:
    file = folder / "file.yaml"
    file.write_text(text)
    kind = next((key for key in KINDS if key in found), "")
    if not kind:
        try:
            read_policy(file, text.encode())
        except InputError as error:
            return str(error)
        return ""
    program, *arguments = KINDS[kind]
    done = subprocess.run(
        [which(program, path=_PATH) or program, *arguments, file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stdout + done.stderr if done.returncode else ""
    return said + "\n".join(each["message"] for each in lint(folder, text)) if kind == "jobs" else said


def _refused_by_torre(table: dict[str, Any], text: str, folder: Path) -> str:
    (folder / "pyproject.toml").write_text(text)
    for check in table["tool"]["torre"].get("checks", []):
        if isinstance(check, dict):
            (folder / check.get("directory", ".")).mkdir(parents=True, exist_ok=True)
    try:
        return "" if discover(folder) else "no checks"
    except InputError as error:
        return str(error)


def _data() -> Iterator[Any]:
    for page in PAGES:
        for block in page.of("json", "yaml", "toml"):
            yield pytest.param(block, id=f"{page.name}:{block.line}")


@pytest.mark.parametrize("block", list(_data()))
def test_it_is_accepted(block: Block, tmp_path: Path) -> None:
    assert wrong(block, tmp_path) == ""


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("json", '{"logs": }', "Expecting value"),
        ("yaml", "allowed: [openai/gpt-4\n", "expected ',' or ']'"),
        ("yaml", "alowed: [openai/gpt-4o]\n", "did you mean `allowed`"),
        ("yaml", "on: push\njobs: {a: {runs-on: ubuntu-latest, step: []}}\n", "step"),
        ("yaml", "repos: [{repo: local, hook: []}]\n", "hooks"),
        ("yaml", "include: [{project: a/b, ref: [1]}]\n", "ref"),
        ("yaml", "scrape_configs: [{job: torre}]\n", "job"),
        ("yaml", "groups: [{name: a, rules: [{alert: A, expr: 'a >'}]}]\n", "expr"),
        ("toml", "[tool.torre]\ncheck = ['make check']\n", "checks"),
        ("toml", "[tool.torre]\nchecks = [{ command = 'make', stage = 'test' }]\n", "tests"),
    ],
)
def test_what_is_wrong_is_seen(language: str, text: str, words: str, tmp_path: Path) -> None:
    assert words in wrong(Block(language, text, 1), tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_is_of_a_kind_that_nobody_looks_at(page: Page) -> None:
    assert {block.language for block in page.blocks} <= LANGUAGES
