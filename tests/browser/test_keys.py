"""Who has a key: logging in, what is offered, and out again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import QUICK, Open
from tests.browser.tab import Tab
from tests.dashboard.conftest import GREEN, keep_runs
from tests.server.conftest import Server, environment, project, start, torre


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Server]:
    """A server with some runs, that asks for a key."""
    home = tmp_path_factory.mktemp("user")
    env, root = environment(home), project(home)
    for name, scopes in {"all": ("read", "run", "apply"), "reader": ("read",)}.items():
        words = [word for scope in scopes for word in ("--scope", scope)]
        keys[name] = json.loads(torre(env, "keys", "create", name, *words, "--json").stdout)["key"]
    keep_runs(root, env)
    server = start(root, env, *QUICK)
    yield server
    assert server.stop() == 0, server.log


def asked(tab: Tab, path: str = "/") -> Page:
    tab.refusals.add(401)
    page = tab.go(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("A key, please")
    return page


def log_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()


def test_a_key_opens_the_page_that_was_wanted_and_logging_out_closes_it(
    locked: Server, keys: Mapping[str, str], open_tab: Open
) -> None:
    tab = open_tab(locked)
    page = asked(tab, "/speed")
    log_in(page, "torre_00000000_wrong")
    expect(page.locator("#said")).to_contain_text("This key opens nothing here")
    log_in(page, keys["all"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Speed")
    expect(page.get_by_text("Key all")).to_be_visible()
    assert page.evaluate("document.cookie + JSON.stringify(localStorage)") == "{}", "no script can read the key"
    (cookie,) = tab.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert tab.context.cookies() == []
    asked(tab)


def test_a_key_that_may_only_read_is_offered_nothing_else(
    locked: Server, keys: Mapping[str, str], open_tab: Open
) -> None:
    offered = {}
    for name, key in keys.items():
        tab = open_tab(locked)
        log_in(tab.go("/login"), key)
        tab.page.wait_for_url(f"{locked.url}/")
        begin = tab.page.get_by_role("link", name="Start a run").count()
        offered[name] = begin, tab.go(f"/runs/{GREEN}").get_by_role("button", name="Undo the apply").count()
    assert offered == {"all": (1, 1), "reader": (0, 0)}
    tab.refusals.add(403)
    expect(tab.go("/start").locator("main")).to_contain_text("may not run")
