"""Fixtures of the attacks: one laid-out host for each kind of user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.arena import Arena, Outcome, arena
from tests.sandbox.opened import sandbox, workspace
from tests.sandbox.runner import USERS, Runner, readable_package, running_as

__all__ = ["sandbox", "workspace"]


@pytest.fixture(scope="package", params=USERS)
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    with readable_package() as package, running_as(request.param, package) as one:
        yield one


@pytest.fixture(scope="package")
def field(runner: Runner) -> Iterator[Arena]:
    with arena(runner) as one:
        yield one


@pytest.fixture(scope="package")
def attacked(field: Arena) -> dict[str, Outcome]:
    return field.attack()


@pytest.fixture(scope="package")
def unconfined() -> Iterator[Arena]:
    """A field where the controls run, once, by whoever runs the tests: they may wreck it."""
    with readable_package() as package, running_as("own", package) as one, arena(one) as laid_out:
        yield laid_out


@pytest.fixture(scope="package")
def controls(unconfined: Arena) -> dict[str, Outcome]:
    return unconfined.controls()


@pytest.fixture(scope="package")
def besieged(field: Arena) -> dict[str, Outcome]:
    return field.besiege()
