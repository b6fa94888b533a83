"""The two stores, each real: a SQLite file, and a Valkey server of the test run's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm.ledger.base import QuotaStore
from llm.ledger.redis import RedisStore
from llm.ledger.sqlite import SqliteStore
from tests.ledger.valkey import valkey_server

NOON = 1_773_576_000.0  # 2026-03-15 12:00:00 UTC


class Clock:
    """Time that the test moves."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


Open = Callable[[], QuotaStore]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real server."""
    with valkey_server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(params=["sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh ledger of either kind is, as `TORRE_LEDGER` would name it."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return f"{request.getfixturevalue('valkey')}?ledger={uuid.uuid4().hex}"


@pytest.fixture
def open_store(address: str, clock: Clock) -> Iterator[Open]:
    """Opens the test's one ledger, as often as asked: each time as another process would."""
    opened: list[QuotaStore] = []

    def open_one() -> QuotaStore:
        store: QuotaStore
        if address.startswith("unix://"):
            store = RedisStore(address, clock=clock)
        else:
            store = SqliteStore(Path(address), clock=clock)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> QuotaStore:
    return open_store()
