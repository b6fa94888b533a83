"""Every confinement test runs as whoever runs the tests and, under root, as an ordinary user as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.sandbox.base import Job, Limits
from tests.sandbox.opened import sandbox, workspace
from tests.sandbox.runner import USERS, Runner, readable_package, running_as

__all__ = ["sandbox", "workspace"]


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


def sh(script: str, **more: Any) -> Job:
    """A shell job that cannot hang the tests."""
    more.setdefault("limits", Limits(wall_s=30))
    return Job(("sh", "-c", script), **more)
