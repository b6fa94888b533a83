"""Tables and lists of the docs against the code that they tell of: nothing is left out, nothing made up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm import plugins
from llm.checks.discover import discover
from llm.escalate import ATTEMPTS_PER_FAILURE
from llm.providers.route import DEFAULT_ROUTES
from llm.sandbox import diagnosis
from llm.server.app import operations
from tests.docs.pages import Page
from tests.e2e.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
CHECKS, API = Page(DOCS / "checks.md"), Page(DOCS / "api.md")
_PATH = re.compile(r"/(?:v1/[a-z{][\w{}/]*|healthz|readyz|metrics|openapi\.json)")
_METRIC = re.compile(r"`(torre_[a-z_]+)")


RUN = "jobs: {a: {steps: [{run: ruff check .}]}}\n"
CASE = "import unittest\nclass A(unittest.TestCase): pass\n"
FOUND: Mapping[str, tuple[Mapping[str, str], str, int]] = {
    ".github/workflows": ({".github/workflows/ci.yml": RUN}, "ruff check .", 0),
    "justfile": ({"justfile": "lint:\n    ruff check .\n"}, "ruff check .", 0),
    "Makefile": ({"Makefile": "check:\n\t./check.sh\n"}, "make check", 1),
    "tox.ini": ({"tox.ini": "[tox]\n"}, "tox", 0),
    "noxfile.py": ({"noxfile.py": "@nox.session\ndef tests(session): pass\n"}, "nox -s tests", 0),
    ".pre-commit-config.yaml": ({".pre-commit-config.yaml": "repos: []\n"}, "pre-commit run --all-files", 0),
    "scripts": ({"package.json": '{"scripts": {"lint": "eslint ."}}'}, "eslint .", 0),
    "package.json": ({"package.json": '{"scripts": {"test": "./test.sh"}}'}, "npm test", 1),
    "own configuration": ({"tsconfig.json": "{}"}, "tsc --noEmit", 0),
    "tool's own": ({"ruff.toml": ""}, "ruff check .", 1),
    "test files alone": ({"test_a.py": "def test_a(): pass\n"}, "python -m pytest", 0),
    "TestCase": ({"test_a.py": CASE}, "python -m unittest discover", 0),
}
"""Words of a line of the table of sources → a workspace, the check that is found in it, which figure is its."""


@pytest.mark.parametrize("source", FOUND)
def test_a_check_is_found_where_the_page_says_and_as_sure(source: str, tmp_path: Path) -> None:
    files, command, which = FOUND[source]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (sure,) = [sure for where, _, sure in CHECKS.table("source") if source in where]
    figures = [int(figure) / 100 for figure in re.findall(r"(\d+) %", sure)]
    (found,) = discover(tmp_path)
    assert (found.command, found.confidence) == (command, figures[which])


def test_every_tool_that_is_understood_is_in_the_table() -> None:
    told = {name for names, *_ in CHECKS.table("tool") for name in names.split(", ")}
    assert {name.replace("_", ":") for name in plugins.names("checks.tools")} == told - {"anything else"}


def test_every_meaning_of_a_missing_sandbox_has_its_remedy() -> None:
    told = " ".join(cell for cell, _ in Page(DOCS / "install.md").table("what `torre doctor`"))
    meanings = [meaning for _, meaning, _ in diagnosis._KNOWN] + [str(diagnosis.not_installed(os_release=""))]
    assert [meaning for meaning in meanings if meaning not in told] == []


@pytest.mark.parametrize(("name", "head"), [("README.md", "stage"), ("README.pt-BR.md", "estágio")])
def test_the_lanes_of_the_table_are_those_of_the_code(name: str, head: str) -> None:
    told = {
        stage: tuple(re.findall(r"`(.+?)`", lanes))
        for stages, lanes in Page(REPOSITORY / name).table(head)
        for stage in stages.split(", ")
    }
    *_, assets = told
    told["assets"] = told.pop(assets)
    assert told == DEFAULT_ROUTES


def test_the_api_is_told_whole_and_nothing_else() -> None:
    told = {path for text in API.spans for path in _PATH.findall(text)}
    assert told == {operation.path for operation in operations()}


def test_the_metrics_that_are_named_are_given_out() -> None:
    code = "\n".join(path.read_text() for path in (REPOSITORY / "llm").rglob("*.py"))
    named = set(_METRIC.findall((DOCS / "telemetry.md").read_text().partition("## Prometheus")[2]))
    assert named and [name for name in sorted(named) if f'"{name.removesuffix("_total")}' not in code] == []


def test_the_tools_for_agents_are_told_and_which_of_them_destroy() -> None:
    told = {name.strip("`"): "destructive" in changes for name, _, changes in Page(DOCS / "mcp.md").table("tool")}
    room = "mcp_server.tools"
    tools = {f"torre_{name}": plugins.load(room, name, "TOOL").destructive for name in plugins.names(room)}
    assert told == tools


def test_every_form_of_the_result_is_told() -> None:
    told = {name.strip("`") for name, *_ in Page(DOCS / "ci.md").table("name")}
    assert told == set(plugins.names("report.formats"))


def test_each_kind_of_plugin_is_where_the_page_says() -> None:
    for what, place, _, protocol in Page(DOCS / "extend.md").table("to add"):
        room = REPOSITORY / place.strip("`")
        name, base = re.findall(r"`(.+?)`", protocol)
        assert room.parent.is_dir() and room.name == "NAME.py", what
        assert f"class {name}" in (REPOSITORY / base).read_text(), what


def test_the_same_failure_is_asked_about_as_often_as_the_readme_says() -> None:
    (often,) = re.findall(r"at most (\d+) times a day", Page(REPOSITORY / "README.md").text.replace("\n", " "))
    assert int(often) == ATTEMPTS_PER_FAILURE
