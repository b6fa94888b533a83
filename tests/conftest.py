"""Protocol servers that more than one room asks, started once a worker, on free ports."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.providers.servers import Llmock, RawServer, llmock_server

# Whoever starts the tests in the background has them ignore SIGINT, and so would every torre that they interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes is the machine's affair; what is to be quick has a test of its own that says so.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def llmock() -> Iterator[Llmock]:
    with llmock_server() as server:
        yield server


@pytest.fixture
def raw() -> Iterator[RawServer]:
    with RawServer() as server:
        yield server
