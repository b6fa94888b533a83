"""File names, diffs, models, what a check prints: all of it from strangers, none of it run by the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import QUICK, Open
from tests.browser.tab import Tab
from tests.dashboard.conftest import PAGES, Author, candidate
from tests.server.conftest import RED, Server, environment, project, start

ID = "0000000a-0000-4000-8000-000000000000"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><svg onload=alert(3)>"
NAME = "<img src=x onerror=alert(4)>.py"
_ODD = ("/start?workspace=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/runs/%3Cscript%3Ealert(1)%3C/script%3E")
_AS_MARKUP = "words => document.querySelector('main').insertAdjacentHTML('beforeend', words)"
_A_WHILE_MS = 300


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = project(tmp_path_factory.mktemp("user"))
    (place / "app.py").rename(place / NAME)
    return place


@pytest.fixture(scope="module")
def hostile(root: Path) -> Iterator[Server]:
    """A server that keeps a run whose every word is an attack."""
    env = environment(root.parent)
    author = Author(root, env)
    author.begin(ID, 1, f"{root}/{EVIL}")
    author.attempt(ID, f"evil/{EVIL}", verdict="passed", error=EVIL)
    diff = f"--- a/{EVIL}\n+++ b/{EVIL}\n@@ -1 +1 @@\n-{EVIL}\n+{EVIL}\n"
    made = candidate(0, f"evil/{EVIL}", origin=EVIL, detail=EVIL, diff=diff, checks={EVIL: EVIL}, attempt=1)
    words = dict.fromkeys(("why", "stage_reason"), EVIL) | {name: [EVIL] for name in ("notes", "doubts")}
    checks = [{"name": EVIL, "before": {"status": EVIL, "output": EVIL}}]
    author.end(ID, 4, made, details={**words, "checks": checks}, summary=EVIL, winner_origin=EVIL)
    author.store.close()
    server = start(root, env, *QUICK)
    yield server
    assert server.stop() == 0, server.log


def test_what_a_run_was_told_is_text_on_every_page(hostile: Server, open_tab: Open) -> None:
    tab = open_tab(hostile)
    tab.refusals.update({404, 422})
    for path in (*PAGES, f"/runs/{ID}", *_ODD):
        page = tab.go(path)
        page.wait_for_timeout(20)
        assert page.locator("main script, main img[onerror], main svg[onload]").count() == 0
    expect(tab.go(f"/runs/{ID}").locator(".sidecard")).to_contain_text(EVIL)


def test_what_a_run_is_told_as_it_goes_on_is_text_too(hostile: Server, root: Path, open_tab: Open) -> None:
    tab = open_tab(hostile)
    page = tab.go("/start")
    page.get_by_label("Checks").fill(f"ruff check --isolated --select F401 . # {EVIL}")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}$"))
    expect(page.locator("main")).to_contain_text(EVIL)  # live, or in the trace where the run was faster
    expect(page.locator(".sidecard.won")).to_contain_text(NAME)
    page.get_by_role("button", name="Apply to the files").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#said")).to_contain_text(f"Applied to {NAME}.")
    page.wait_for_timeout(_A_WHILE_MS)
    assert page.locator("main script, main img, main svg[onload]").count() == 0
    assert (root / NAME).read_text() != RED


@pytest.mark.parametrize("guarded", [False, True])
def test_the_same_words_put_in_as_markup_would_be_run(hostile: Server, browser: Browser, guarded: bool) -> None:
    """But for the policy, which stops it even then; and one or the other is noticed."""
    with browser.new_context(base_url=hostile.url, bypass_csp=not guarded) as context:
        tab = Tab(context, hostile.url)
        tab.go("/").evaluate(_AS_MARKUP, EVIL)
        assert tab.hears("Content Security Policy" if guarded else "dialog: 2"), tab.complaints
        assert ("dialog: 2" in tab.complaints) is not guarded
        assert ("Content Security Policy" in "".join(tab.complaints)) is guarded
