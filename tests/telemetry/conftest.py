"""A user, a red workspace that only a lane mends, and a collector that hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.provider_runs import CHECK, FILES, GPT, GREEN, WRONG, User, reply, row
from tests.providers.servers import Llmock
from tests.server.conftest import serve
from tests.telemetry.collector import Collector
from tests.telemetry.scraped import Prometheus, scraped

__all__ = ["serve"]

PRICE = {"input": 2.0, "output": 10.0}
PLANTED = "ghp_" + "Zz7Yy6Xx5Ww4Vv3Uu2Tt1Ss0Rr9Qq8Pp7Oo6"
"""What a secret looks like, in the workspace; made of two pieces, so that it is none in this file."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as receiving:
        yield receiving


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with scraped(tmp_path_factory.mktemp("scraped")) as running:
        yield running


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "home")


def workspace(root: Path, **more: str) -> Path:
    """The red workspace of the provider runs."""
    root.mkdir()
    for name, text in {**FILES, **more}.items():
        (root / name).write_text(text)
    return root


@pytest.fixture
def red(tmp_path: Path) -> Path:
    return workspace(tmp_path / "workspace")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A workspace in which nothing is red: the shortest run there is."""
    place = tmp_path / "quick"
    place.mkdir()
    (place / "app.py").write_text("VALUE = 1\n")
    return place


def second_answer(user: User, llmock: Llmock, **policy: object) -> None:
    """A lane whose first answer is wrong and whose second turns the workspace green."""
    llmock.will(reply("coder-9", WRONG), reply("coder-9", GREEN))
    user.lanes({GPT: row(GPT, llmock, "coder-9", price=PRICE)}, **policy)


QUICK = ("fix", "--json", "--check", "true")
LANE = ("fix", "--providers", "--json", "--max-seconds", "0", "--check", CHECK)
