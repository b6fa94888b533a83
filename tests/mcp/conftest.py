"""A small red project that is repaired at once, and `torre mcp` as a client's configuration would start it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, environment

RED = "import os\n\n\ndef double(n):\n    return n * 2\n"
GREEN = RED.removeprefix("import os\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The one root of the server."""
    place = tmp_path / "root"
    place.mkdir()
    return place


@pytest.fixture
def project(root: Path) -> Path:
    """Red by ruff."""
    place = root / "project"
    place.mkdir()
    (place / ".torre").mkdir()
    (place / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['F401']\n")
    (place / "app.py").write_text(RED)
    return place


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "state")


@pytest.fixture
def http(root: Path, env: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Starts the server on a free port and gives its address."""
    with _started(root, env) as process:

        def address() -> str:
            assert process.stderr
            for line in process.stderr:
                if "running on" in line:
                    return next(word for word in line.split() if word.startswith("http://"))
            raise AssertionError("it ended without listening")

        yield address


@contextmanager
def _started(root: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [*TORRE, "mcp", "--http", "--port", "0", "--root", str(root)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=20)
