"""Every confinement test runs as whoever runs the tests and, under root, as an ordinary user as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits, Sandbox
from tests.sandbox.runner import USERS, Runner, readable_package, running_as


@pytest.fixture(scope="session")
def package() -> Iterator[Path]:
    """The package where another user can read it."""
    with readable_package() as copy:
        yield copy


@pytest.fixture(params=USERS)
def runner(request: pytest.FixtureRequest, package: Path) -> Iterator[Runner]:
    """A sandbox over a workspace in a 0700 directory that holds a secret beside it."""
    with running_as(request.param, package) as one:
        yield one


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


def sh(script: str, **more: Any) -> Job:
    """A shell job that cannot hang the tests."""
    more.setdefault("limits", Limits(wall_s=30))
    return Job(("sh", "-c", script), **more)
