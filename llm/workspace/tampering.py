"""Where a repository's judges live: its tests, the configuration of its checks, the tools themselves, its CI."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from llm.workspace.paths import folded, text

CI = (
    *(".github/**", ".gitlab/**", ".circleci/**", ".buildkite/**", ".azure-pipelines/**", ".teamcity/**"),
    *(".semaphore/**", ".woodpecker/**", ".gitea/**", ".forgejo/**", ".ci/**", ".husky/**", ".githooks/**"),
    *("**/.gitlab-ci*.y*ml", "**/jenkinsfile*", "**/azure-pipelines*.y*ml", "**/bitbucket-pipelines.y*ml"),
    *("**/.travis.y*ml", "**/*appveyor.y*ml", "**/.drone.*", "**/.woodpecker.y*ml", "**/.cirrus.*"),
    *("**/cloudbuild.y*ml", "**/buildspec.y*ml", "**/codefresh.y*ml", "**/wercker.y*ml", "**/.gitmodules"),
    *(".jenkins/**", ".azure/**", ".azuredevops/**", ".pipelines/**", ".travis/**", ".harness/**"),
    *("**/bitrise.y*ml", "**/screwdriver.y*ml", "**/.gitattributes", "**/.gitconfig", "**/.overcommit.y*ml"),
    *("**/.pre-commit-hooks.y*ml",),
    *("**/lefthook*.*", "**/.lefthook*.*", ".lefthook/**", "**/.lintstagedrc*", "**/lint-staged.config.*"),
    *("**/simple-git-hooks.*", "**/.simple-git-hooks.*", "**/dockerfile*", "**/*.dockerfile", "**/containerfile*"),
    *("**/docker-compose*.y*ml", "**/compose.y*ml", "**/.devcontainer/**", "**/.devcontainer.json"),
    *("**/.vscode/tasks.json", "**/.vscode/launch.json", "**/.vscode/settings.json", "**/*.code-workspace"),
    *("**/.idea/runconfigurations/**", "**/.mcp.json", "**/.claude/**", "**/.cursor/**"),
)
"""What runs elsewhere than in a check: servers, hooks of git, images, and what an editor or an agent starts."""
TESTS = (
    *("**/tests/**", "**/test/**", "**/__tests__/**", "**/__snapshots__/**", "**/__mocks__/**", "**/spec/**"),
    *("**/e2e/**", "**/testdata/**", "**/test_*.py*", "**/*_test.py*", "**/tests.py", "**/conftest.py"),
    *("**/*.test.*", "**/*.spec.*", "**/*-test.?s", "**/*_test.?s", "**/*_test.go", "**/*.snap"),
)
CONFIGURATION = (
    *("**/pytest.ini", "**/.pytest.ini", "**/pytest.toml", "**/.pytest.toml", "**/tox.ini", "**/tox.toml"),
    *("**/mypy.ini", "**/.mypy.ini", "**/ruff.toml", "**/.ruff.toml", "**/pyrightconfig.json", "**/.flake8"),
    *("**/.pylintrc*", "**/pylintrc*", "**/.coveragerc", "**/.isort.cfg", "**/ty.toml", "**/.bandit"),
    *("**/noxfile.py", "**/.pre-commit-config.y*ml", "**/*.pth"),
    *("**/sitecustomize.py", "**/usercustomize.py", "**/sitecustomize/**", "**/usercustomize/**"),
    *("**/eslint.config.*", "**/.eslintrc*", "**/tsconfig*.json", "**/jsconfig*.json", "**/jest.config.*"),
    *("**/jest.*.js", "**/vitest.config.*", "**/vitest.workspace.*", "**/vite.config.*", "**/.mocharc*"),
    *("**/ava.config.*", "**/karma.conf.*", "**/playwright.config.*", "**/cypress.config.*", "**/biome.json*"),
    *("**/.prettierrc*", "**/prettier.config.*", "**/babel.config.*", "**/.babelrc*", "**/.swcrc", "**/.nycrc*"),
    *("**/.npmrc", "**/.yarnrc*", "**/.pnpmfile.*", "**/bunfig.toml", "**/deno.json*", "**/turbo.json"),
    *("**/nx.json", "**/.*ignore", "**/makefile", "**/gnumakefile", "**/*.mk", "**/justfile", "**/.justfile"),
    *("**/taskfile.y*ml", "**/.golangci.*", "**/clippy.toml", "**/.clippy.toml", "**/.cargo/**"),
    *("**/check*.sh", "**/test*.sh", "**/lint*.sh", "**/verify*.sh", "**/run?tests.sh", "**/ci.sh"),
    *("**/pip.conf", "**/pip.ini", "**/.pypirc", "**/.yarn/**", "**/nuget.config", "**/.bundle/config"),
    *("**/.tool-versions", "**/.mise.toml", "**/mise.toml", "**/.mvn/**"),
    *("**/rust-toolchain*", "**/.envrc", "**/codecov.y*ml"),
)
INSTALLED = (
    *("**/node_modules/**", "**/.venv/**", "**/venv/**", "**/site-packages/**", "**/.tox/**", "**/.nox/**"),
    *("**/__pycache__/**", "**/.mypy_cache/**", "**/.pytest_cache/**", "**/.ruff_cache/**", "**/*.pyc"),
    *("**/*.egg-info/**", "**/*.dist-info/**", "**/target/debug/**", "**/target/release/**"),
)
_SHARED = ("**/conftest.py", "**/__snapshots__/**", "**/__mocks__/**", "**/*.snap")
_TOOLS = frozenset(
    {
        *("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "xdist", "pytest_cov", "pytest_asyncio"),
        *("pytest_timeout", "hypothesis", "mypy", "mypyc", "mypy_extensions", "typing_extensions", "pyright"),
        *("ruff", "flake8", "pylint", "coverage", "tox", "nox", "pip", "setuptools", "black", "isort"),
    }
)


def matches(path: str, globs: tuple[str, ...]) -> str:
    """The first glob that `path` matches, or "". `**` spans directories, `*` and `?` do not."""
    found = _pattern(globs).fullmatch(path)
    return globs[(found.lastindex or 1) - 1] if found else ""


def is_test(path: str) -> bool:
    """Whether a path is a test's, or of what tests use."""
    return bool(matches(folded(path), TESTS))


def shadows(path: str, workspace: Path, added: frozenset[str]) -> str:
    """The module of the standard library or of a tool that an added Python file would hide, or "".

    Only inside of packages is a name free: any other directory may be on `sys.path`. A directory that exists
    does not become a package by an added `__init__.py`.
    """
    file = PurePosixPath(path)
    module = file.parent if file.stem == "__init__" else file.with_suffix("")
    known = module.name in _TOOLS or module.name in sys.stdlib_module_names
    if not known or file.suffix not in (".py", ".pyi"):
        return ""
    package, folder = module.parent / "__init__.py", workspace / module.parent
    new_package = package.as_posix() in added and not folder.exists()
    in_package = folder != workspace and ((workspace / package).exists() or new_package)
    exists = any((workspace / f"{module}{end}").exists() for end in (".py", "/__init__.py"))
    return "" if in_package or exists else module.name


def changed_settings(path: str, before: bytes | None, after: bytes | None) -> str:
    """What part of a mixed file (dependencies beside check configuration) differs in its judging part, or ""."""
    judged = _MIXED.get(path.rpartition("/")[2].casefold())
    if not judged:
        return ""
    try:
        old, new = (judged(content.decode()) if content else {} for content in (before, after))
    except (ValueError, RecursionError):
        return f"{path} cannot be read as what it is"
    return next((f"{path} [{key}]" for key in {**old, **new} if old.get(key) != new.get(key)), "")


def extended_by(path: str, workspace: Path) -> str:
    """The check configuration above `path` that includes it (`extends`, a relative import), or ""."""
    if not path.endswith(_CONFIGURABLE) or PurePosixPath(path).name in _MIXED:
        return ""
    for folder in PurePosixPath(path).parents:
        for file in sorted(file for pattern in _EXTENDING for file in (workspace / folder).glob(pattern)):
            named = (match[1] for match in _INCLUDED.finditer(text(file)))
            places = {os.path.normpath(folder / name) for name in named}
            if places & {path, os.path.splitext(path)[0]}:  # noqa: PTH122 - a path inside a diff, not on a disk
                return file.relative_to(workspace).as_posix()
    return ""


def run_by(path: str, workspace: Path) -> str:
    """The file above `path` whose commands run it as a check, by its name (`scripts/check.js`), or ""."""
    if not _JUDGING.fullmatch(PurePosixPath(path).stem):
        return ""
    for folder in PurePosixPath(path).parents:
        name = re.compile(
            rf"(?<![\w./-])(?:\./)?{re.escape(str(PurePosixPath(path).relative_to(folder)))}(?![\w-])"
        )
        for file in _RUNNING:
            if name.search(text(workspace / folder / file)):
                return (folder / file).as_posix()
    return ""


_JUDGING = re.compile(r"(?:.*[-_.])?(?:check|tests?|lint|verify|validate|ci)(?:[-_.].*)?|runtests", re.IGNORECASE)
_RUNNING = ("Makefile", "makefile", "GNUmakefile", "package.json", "justfile", "Taskfile.yml", "tox.ini")
_SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx")
_CONFIGURABLE = (*_SCRIPTS, ".json", ".toml", ".ini", ".yml", ".yaml")
_EXTENDING = (
    *("tsconfig*.json", "eslint.config.*", ".eslintrc*", "vitest.config.*", "vite.config.*", "jest.config.*"),
    *("package.json", "ruff.toml", ".ruff.toml", "pyproject.toml", "pyrightconfig.json", "biome.json*"),
)
_INCLUDED = re.compile(
    r"""(?:\bextends?["']?\s*[:=]\s*(?:\[\s*)?|\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*"""
    r"""|\b(?:setupFiles\w*|global\w+|preset|testEnvironment|reporters?|runner)["']?\s*:\s*(?:\[\s*)?)"""
    r"""["'](?:<rootDir>/)?([^"'\n]+)["']"""
)


def reaches(path: str, before: bytes | None, after: bytes | None) -> str:
    """The test framework that an edit makes code reach for which knew nothing of it, or "".

    What is no test has no business with what judges it: there it could only be patched, or the test that calls
    be read for its answer."""
    machinery = _PYTHON_MACHINERY if path.endswith(".py") else _OTHER_MACHINERY
    old, new = ((content or b"").decode("utf-8", "replace") for content in (before, after))
    if not path.endswith((".py", *_SCRIPTS)):
        return ""
    found = (" ".join(match[0].split()) for match in machinery.finditer(new))
    return next((words for words in found if words.split()[-1].strip("\"'`") not in old), "")


FRAMES = frozenset(
    (
        *("_getframe", "_getframemodulename", "_current_frames", "currentframe", "getouterframes", "f_back"),
        *("extract_stack", "walk_stack", "settrace", "setprofile"),
    )
)
"""By these names Python code sees what called it."""
_PYTHON_MACHINERY = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+(?:_?pytest|pluggy|unittest(?![ \t]*\.[ \t]*mock|[ \t]+import[ \t]+mock))\b"
    r"|\bTORRE_(?:REPORT|ONLY)\b|\bPYTEST_CURRENT_TEST\b"
    rf"|\b(?:{'|'.join(sorted(FRAMES))}|linecache)\b"
    r"|\binspect[ \t]*\.[ \t]*stack\b",
    re.MULTILINE,
)
_OTHER_MACHINERY = re.compile(r"""["'`](?:node:test|vitest|@jest/globals|jest-[\w-]+)["'`]|\bTORRE_REPORT\b""")


def same_assertions(path: str, before: bytes, after: bytes) -> bool:
    """Whether an edited test file still collects the same tests and asserts the same things, or more of them:
    `assert x is True` for `assert x == True`."""
    if matches(path, _SHARED):
        return False
    try:
        if path.endswith((".py", ".pyi")):
            return _claims_hold(before, after)
        return _other_claims(before.decode()) == _other_claims(after.decode())
    except (SyntaxError, ValueError, RecursionError):
        return False


@cache
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"({_translated(glob)})" for glob in globs), re.DOTALL)


def _translated(glob: str) -> str:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*/|\*\*|\*|\?)", glob))


def _pyproject(written: str) -> dict[str, Any]:
    import tomllib

    data = tomllib.loads(written)
    tools = {f"tool.{name}": table for name, table in _table(data, "tool").items()}
    return {**tools, "project.entry-points": _table(data, "project").get("entry-points")}


def _cargo(written: str) -> dict[str, Any]:
    import tomllib

    data = tomllib.loads(written)
    own = {key: data.get(key) for key in ("lints", "test", "bench", "profile")}
    return {**own, "workspace.lints": _table(data, "workspace").get("lints")}


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"{key} is not a table")
    return table


def _setup_cfg(written: str) -> dict[str, Any]:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(written)
    except Error as error:
        raise ValueError(str(error)) from error
    harmless = re.compile(r"metadata|options(?!\.entry_points)(\..*)?|build.*|.dist.*|bdist.*")
    return {name: dict(parser[name]) for name in parser.sections() if not harmless.fullmatch(name)}


def _package_json(written: str) -> dict[str, Any]:
    import json

    data = json.loads(written.removeprefix("\ufeff"))
    if not isinstance(data, dict):
        raise ValueError("not an object")
    judged = (
        "scripts jest vitest mocha ava nyc c8 tap eslintConfig eslintIgnore prettier babel lint-staged husky xo"
    )
    return {key: data.get(key) for key in judged.split()}


_MIXED: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "package.json": _package_json,
    "cargo.toml": _cargo,
}


def equals_a_constant(claim: ast.expr) -> Iterator[ast.Compare]:
    """The `x == True`, `x == False`, `x == None` that must hold for a claim to hold; `is` would ask for more."""
    match claim:
        case ast.BoolOp(op=ast.And(), values=parts):
            for part in parts:
                yield from equals_a_constant(part)
        case ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value=None | True | False)]):
            yield claim


def _claims_hold(before: bytes, after: bytes) -> bool:
    (names, claims), (names_after, claims_after) = _python_claims(before), _python_claims(after)
    lost, gained = claims - claims_after, claims_after - claims
    stricter = _stricter(before) if lost else {}
    return names == names_after and Counter(stricter.get(claim) for claim in lost.elements()) == gained


def _stricter(content: bytes) -> Mapping[str, str]:
    """What an assertion says → what it says where a constant is asked for by identity."""
    found = {}
    for node in ast.walk(_Lambdas().visit(ast.parse(content))):
        if isinstance(node, ast.Assert):
            said = ast.dump(node)
            for compared in equals_a_constant(node.test):
                compared.ops = [ast.Is()]
            found[said] = ast.dump(node)
    return found


def _python_claims(content: bytes) -> tuple[list[str], Counter[str]]:
    """Functions and classes with their decorators, in order (a repeated name hides a test), and what they claim.

    Claims are asserting statements and, so that none is stepped over, the control flow inside functions.
    """
    nodes = list(ast.walk(_Lambdas().visit(ast.parse(content))))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    names = [f"{n.name} {[ast.dump(d) for d in n.decorator_list]}" for n in (*functions, *classes)]
    flow = Counter(type(n).__name__ for f in functions for n in ast.walk(f) if isinstance(n, _FLOW))
    return names, flow + Counter(ast.dump(n) for n in nodes if isinstance(n, ast.Assert) or _asserting(n))


class _Lambdas(ast.NodeTransformer):
    """`f = lambda x: y` as the `def f(x): return y` that it may become; a test is none before it is written so."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=args, body=body)):
                if not name.startswith("test"):
                    return ast.FunctionDef(name, args, [ast.Return(body)], [])
        return node


_FLOW = (ast.Return, ast.Raise, ast.If, ast.IfExp, ast.Try, ast.While, ast.For, ast.With, ast.Break, ast.Continue)


def _asserting(node: ast.AST) -> bool:
    """`self.assertEqual(…)`, `pytest.raises(…)`, `mock.assert_called_once()` and their like."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name.startswith("assert") or name in ("raises", "warns", "fail", "approx", "parametrize")


def _other_claims(written: str) -> list[str]:
    return [line.strip() for line in written.split("\n") if _OTHER_CLAIM.search(line)]


_OTHER_CLAIM = re.compile(
    r"\b(?:expect|assert\w*|test|it|describe|t\.\w+)\b.*\(|\b(?:return|throw|if|else|try|catch|process)\b"
)
