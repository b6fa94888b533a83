"""Every example is red by the real tools, and `torre fix` turns it green without touching the judge."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import EXAMPLES, REPOSITORY, Torre, fingerprint

_JUDGE = re.compile(r"(^|/)(tests?/|(package|tsconfig)\.json$|pyproject\.toml$|Makefile$|\w+\.config\.m?js$)")


@dataclass(frozen=True)
class Tool:
    """A real tool, run by hand. `complaint` is what it says while the example is red; "": it is green already."""

    command: str
    complaint: str = ""
    directory: str = "."


CASES: dict[str, tuple[Tool, ...]] = {
    "py-tests": (Tool("pytest -q", "2 failed, 11 passed"),),
    "py-unittest": (Tool("python3 -m unittest discover -s tests -t .", r"Ran 9 tests(?s:.)*FAILED"),),
    "py-types": (Tool("mypy", r"\[attr-defined\]"), Tool("pytest -q")),
    "py-style": (Tool("ruff check --no-cache", "E711"), Tool("pytest -q")),
    "py-build": (Tool("pytest -q", "1 error in"),),
    "py-make": (Tool("make check", "3 failed, 3 passed"),),
    "ts-types": (Tool("tsc --noEmit", "TS2551(?s:.)*TS2304"),),
    "ts-tests": (Tool("vitest run", "bySize is not defined"), Tool("tsc --noEmit", "TS2304")),
    "ts-style": (Tool("eslint src", "prefer-const"), Tool("tsc --noEmit")),
    "js-tests": (Tool("node --test test/", "# fail 3"), Tool("tsc", "TS2339")),
    "monorepo": (
        Tool("pytest -q", "2 failed, 4 passed", "packages/api"),
        Tool("ruff check --no-cache", "F821", "packages/api"),
        Tool("tsc --noEmit", "TS2552", "packages/web"),
        Tool("tsc && node --test test/", "TS2552", "packages/web"),
    ),
}


def by_hand(tool: Tool, root: Path, env: dict[str, str]) -> tuple[int, str]:
    quiet = {**env, "NO_COLOR": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider", "MYPY_CACHE_DIR": "/dev/null"}
    done = subprocess.run(
        ["sh", "-c", tool.command],
        cwd=root / tool.directory,
        env=quiet,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def judge(root: Path) -> dict[str, str]:
    """The tests and the configuration, byte for byte."""
    return {name: content for name, content in fingerprint(root).items() if _JUDGE.search(name)}


def apply(diff: str, root: Path) -> None:
    """From the top of the repository: `git apply` further down skips what it takes for other paths, silently."""
    command = ["git", "apply", f"--directory={root.name}", "-"]
    subprocess.run(command, input=diff.encode(), cwd=root.parent, check=True, capture_output=True)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    published = json.loads((REPOSITORY / "llm" / "report" / "output.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)


def test_every_example_has_its_case() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_is_red_by_the_real_tools(name: str, example: Callable[[str], Path], env: dict[str, str]) -> None:
    root = example(name)
    for tool in CASES[name]:
        exit_code, output = by_hand(tool, root, env)
        if tool.complaint:
            assert re.search(tool.complaint, output), output
            assert exit_code in (1, 2), output
        else:
            assert exit_code == 0, output


@pytest.mark.parametrize("name", CASES)
def test_turns_green(
    name: str,
    torre: Torre,
    example: Callable[[str], Path],
    env: dict[str, str],
    schema: Draft202012Validator,
) -> None:
    root = example(name)
    before = fingerprint(root)
    ran = torre("fix", "--json", root)
    assert fingerprint(root) == before, "the workspace itself was changed"
    answer = ran.json()
    schema.validate(answer)
    assert (ran.exit_code, answer["mode"]) == (0, "PATCH"), f"{answer['report']}\n{ran.stderr}"

    untouched = judge(root)
    assert untouched, "the example has tests or configuration"
    apply(answer["diff"], root)
    assert judge(root) == untouched
    for tool in CASES[name]:
        exit_code, output = by_hand(tool, root, env)
        assert exit_code == 0, output


@pytest.mark.parametrize("name", CASES)
def test_the_readme_says_how(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text("utf-8")
    assert f"`torre fix examples/{name}`" in text
    assert f"[{name}]({name}/)" in (EXAMPLES / "README.md").read_text("utf-8")


def test_the_proof_names_every_check_before_and_after(torre: Torre, example: Callable[[str], Path]) -> None:
    report: dict[str, Any] = torre("fix", "--json", example("py-types")).json()["report"]
    assert {check["after"]["status"] for check in report["checks"]} == {"green"}
    assert sorted(check["before"]["status"] for check in report["checks"]) == ["green", "red"]


def test_for_people_it_ends_with_one_line_that_says_all(torre: Torre, example: Callable[[str], Path]) -> None:
    """In a copy that knows nothing of this repository: a Python example needs no `node_modules`."""
    root = example("py-build")
    (root.parent / "node_modules").unlink()
    ran = torre("fix", cwd=root)
    assert ran.exit_code == 0, ran.stderr
    assert re.match(
        r"GREEN in [\d.]+ s · \d+ candidates? · winner \S+ .*· \$0\.00 · trace ", ran.stdout.splitlines()[-1]
    )
    apply("\n".join(_diff_lines(ran.stdout)) + "\n", root)


def _diff_lines(text: str) -> list[str]:
    """The patch as it is printed: it comes first and ends with the first line that is not part of a diff."""
    lines = text.splitlines()
    marks = ("diff ", "index ", "--- ", "+++ ", "@@", " ", "+", "-")
    end = next((i for i, line in enumerate(lines) if not line.startswith(marks)), len(lines))
    return lines[:end]
