"""A real browser before real servers: Debian's chromium, and `torre serve` with the demo data, and with none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.tab import Tab
from tests.dashboard.conftest import PAGES
from tests.server.conftest import Server, environment, listening, project, start

CHROMIUM = Path("/usr/bin/chromium")
QUICK = ("--rate", "1000")
_ALONE = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    *("--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)
"""What keeps a browser from asking for anything of its own, and pages from reaching any other machine."""
_PATIENCE_MS = 180_000
Open = Callable[..., Tab]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: run `make test-tools`")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ALONE)
        yield started
        started.close()


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`torre serve --demo`."""
    server = listening(environment(tmp_path_factory.mktemp("user")), "--demo", *QUICK)
    yield server
    assert server.stop() == 0, server.log


@pytest.fixture(scope="package")
def acme(demo: Server) -> Path:
    """The demo's project, which is red."""
    return Path(demo.log[-1].rpartition("workspaces under ")[2].strip())


@pytest.fixture(scope="package")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A project of somebody who never asked Torre for anything."""
    home = tmp_path_factory.mktemp("user")
    server = start(project(home), environment(home), *QUICK)
    yield server
    assert server.stop() == 0, server.log


@pytest.fixture(scope="package")
def told(demo: Server) -> str:
    """The page of a run of the demo that lanes were asked in, and whose patch was applied."""
    rows = demo.get("/runs.json?outcome=applied&provider=openai/gpt-4o").json()["rows"]
    won = next(row for row in rows if row["chosen"] == "openai/gpt-4o" and len(row["rejected"]) > 1)
    return f"/runs/{won['trace_id']}"


@pytest.fixture(scope="package")
def six(told: str) -> tuple[str, ...]:
    """The addresses of the six pages."""
    return (*PAGES, told)


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Open]:
    """Open tabs of their own, each with cookies and storage of its own. In the end none may have complained."""
    opened: list[Tab] = []

    def begin(server: Server, **options: Any) -> Tab:
        context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 800}, **options)
        context.set_default_timeout(_PATIENCE_MS)
        opened.append(Tab(context, server.url))
        return opened[-1]

    yield begin
    for tab in opened:
        tab.context.close()
    assert [tab.complaints for tab in opened if tab.complaints] == []
