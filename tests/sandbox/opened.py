"""A small workspace and an open sandbox over it, for each room of tests that runs jobs itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm.sandbox import open_sandbox
from llm.sandbox.base import Sandbox


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small workspace."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "a.txt").write_text("a")
    return tmp_path / "ws"


@pytest.fixture
def sandbox(workspace: Path) -> Iterator[Sandbox]:
    """An open sandbox over it."""
    with open_sandbox(workspace) as opened:
        yield opened
