"""A workspace of its own, a user of its own, and commands as `torre` finds and runs them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm.commands import add_commands
from llm.commands.base import Output

Torre = Callable[..., Output]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; this user trusts nothing, has no keys and no policy."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("PROVIDERS_V1", "TORRE_STUBS", "TORRE_LEDGER", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def torre(workspace: Path) -> Torre:
    """Run a command in the workspace."""

    def run(*arguments: str) -> Output:
        parser = argparse.ArgumentParser(prog="torre")
        add_commands(parser.add_subparsers(dest="command"))
        options = parser.parse_args(arguments)
        output: Output = options.run(options)
        json.dumps(output.data)  # plain JSON, whatever it is
        return output

    return run


@pytest.fixture
def policy(workspace: Path) -> Callable[[str], Path]:
    """Write the workspace's policy."""

    def write(text: str) -> Path:
        path = workspace / ".torre" / "providers.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


_ENTRY = """
import argparse, json, sys
from llm.commands import add_commands
from llm.errors import TorreError
parser = argparse.ArgumentParser(prog="torre")
add_commands(parser.add_subparsers(dest="command"))
options = parser.parse_args()
try:
    output = options.run(options)
except TorreError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
print(json.dumps(output.data) if options.json else output.text)
sys.exit(output.exit_code)
"""


def in_a_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The same in an interpreter of its own."""
    argv = [sys.executable, "-P", "-c", _ENTRY, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **options)
