"""Marks that make a check look away, in every spelling; and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.diff import make_diff, parse
from llm.workspace.patch import apply
from llm.workspace.rules import Rules, check_rules

PYTHON = {
    "a skip over lines": "import app\n\n@mark.\\\n    skip\ndef f():\n    pass\n",
    "an import over lines": "from unittest import (\n    mock,\n    skip,\n)\n",
    "a mark for the whole module": "pytestmark = other.marks\n",
    "a plugin named": 'pytest_plugins = ["evil"]\n',
    "a mark by getattr": 'take = getattr(tool, "skipTest")\n',
    "hidden from the type checker": "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    x = 1\n",
    "hidden under another name": "import typing as t\nif not t . TYPE_CHECKING:\n    x = 1\n",
    "odd blanks": "x = 1  #   NoQA   :   F401\n",
    "another checker": "x = 1  # pyrefly: ignore\n",
    "for a file": "# ruff: file-ignore[F401]\n",
}
JAVASCRIPT = {
    "blanks before the dot": 'it . skip("x", f);\n',
    "a line before the dot": 'describe("a", f);\ntest\n  .skip("x", f);\n',
    "a comment before the dot": 'it/* */./* */only("x", f);\n',
    "a computed name": 'it["skip"]("x", f);\n',
    "by the context": 'function f(t) { t . skip ("later"); }\n',
    "by an option": 'go("x", { "skip" : !0 }, f);\n',
    "an old name": 'xit ("x", f);\n',
    "a comment over lines": "/*\n eslint\n no-undef: 0 */\n",
    "in capitals of a block": "/* @ts-ignore because */\nx();\n",
}
HARMLESS = {
    "a page is skipped.ts": "const page = rows.skip(20).take(10);\nconst query = { skip: 10, only: true };\n",
    "a list of todos.ts": 'const todo = { title: "x" };\ntodo.only = 1;\n',
    "words.py": 'MODES = ("skip", "only")\n\ndef skip(row):\n    return row\n',
    "for the type checker.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import app\n",
}


def refused(before: dict[str, str | None], after: dict[str, str | None], folder: Path) -> DiscardReason | None:
    for path, text in before.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text or "")
    patch = parse(make_diff({path: before.get(path) for path in after}, after))
    try:
        check_rules(patch, apply(patch, folder), folder, Rules())
    except DiffError as error:
        return error.reason
    return None


@pytest.mark.parametrize("name", PYTHON)
def test_python(name: str, tmp_path: Path) -> None:
    assert refused({}, {"app.py": PYTHON[name]}, tmp_path) is DiscardReason.TAMPERING


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_javascript(name: str, tmp_path: Path) -> None:
    assert refused({}, {"app.ts": JAVASCRIPT[name]}, tmp_path) is DiscardReason.TAMPERING


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless(name: str, tmp_path: Path) -> None:
    assert refused({}, {name: HARMLESS[name]}, tmp_path) is None


def test_a_mark_of_which_only_a_line_is_added(tmp_path: Path) -> None:
    whole = 'it\n  ("x", f);\n'
    assert refused({"a.ts": whole}, {"a.ts": whole.replace("  (", "  .skip\n  (")}, tmp_path)


TEST_TOOLS = {
    "app.py": "import pytest\npytest.raises = None\n",
    "lib.py": "from _pytest import python\n",
    "env.py": "import os\nos.environ['PYTEST_CURRENT_TEST']\n",
    "app.js": 'const t = require("node:test");\nt.test = () => {};\n',
    "app.ts": 'import { expect } from "vitest";\n',
}


@pytest.mark.parametrize("path", TEST_TOOLS)
def test_what_is_no_test_does_not_reach_for_the_test_framework(path: str, tmp_path: Path) -> None:
    assert refused({}, {path: TEST_TOOLS[path]}, tmp_path) is DiscardReason.TAMPERING


def test_what_knew_the_test_framework_before_may_go_on(tmp_path: Path) -> None:
    before = "import pytest\n\n\ndef fixture():\n    return pytest\n"
    assert refused({"kit.py": before}, {"kit.py": before.replace("return", "yield")}, tmp_path) is None
    assert refused({}, {"app.py": "from unittest import mock\nimport unittest.mock\n"}, tmp_path) is None


EXTENDED = {
    "tsconfig.json": ('{"extends": "./config/strict.json"}', "config/strict.json"),
    "eslint.config.mjs": ('import rules from "./lint/rules";\n', "lint/rules.mjs"),
    ".eslintrc.json": ('{"extends": ["./lint/base.json"]}', "lint/base.json"),
    "vitest.config.ts": ('export default { test: { setupFiles: ["./set/up.ts"] } }', "set/up.ts"),
    "package.json": ('{"jest": {"setupFilesAfterEach": "<rootDir>/set/jest.js"}}', "set/jest.js"),
    "ruff.toml": ('extend = "config/base.toml"\n', "config/base.toml"),
}


@pytest.mark.parametrize("config", EXTENDED)
def test_what_a_configuration_includes_is_configuration(config: str, tmp_path: Path) -> None:
    text, path = EXTENDED[config]
    assert refused({config: text, path: "{}\n"}, {path: "{ }\n"}, tmp_path) is DiscardReason.TAMPERING
    assert refused({}, {f"src/{Path(path).name}": "{}\n"}, tmp_path) is None


def test_package_json_is_no_part_of_a_configuration_that_reads_it(tmp_path: Path) -> None:
    before: dict[str, str | None] = {
        "vite.config.ts": 'import p from "./package.json";\n',
        "package.json": '{"name": "a"}\n',
    }
    assert refused(before, {"package.json": '{"name": "b"}\n'}, tmp_path) is None
