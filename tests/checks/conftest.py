"""Small real workspaces, and real checks run over them in the real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.domain import CheckResult
from llm.sandbox import open_sandbox
from tests.workspace_python import PREFIX

NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"

Make = Callable[[Mapping[str, str]], Path]
Run = Callable[..., CheckResult]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes files (path → text) into a fresh workspace."""

    def write(files: Mapping[str, str]) -> Path:
        top = tmp_path / "app"
        top.mkdir(exist_ok=True)
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        return top

    return write


@pytest.fixture
def run(make: Make) -> Run:
    """Runs a command as a check over files, with a workspace's Python (or `prefix`) and node packages."""

    def check(
        texts: Mapping[str, str], command: str, directory: str = ".", prefix: Path = PREFIX, **options: Any
    ) -> CheckResult:
        top = make(texts)
        for link, target in (("node_modules", NODE_MODULES), (".venv", prefix)):
            if not (top / link).exists():
                (top / link).symlink_to(target)
        with open_sandbox(top, binds=(NODE_MODULES, prefix)) as sandbox:
            return run_check(check_of(command, directory=directory), sandbox, top, **options)

    return check
