"""A run from its start to its patch in the files and back again, by mouse and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.tab import Tab
from tests.server.conftest import Server

_CANDIDATE_WHILE_RUNNING = """() => document.querySelector("#state")?.textContent === "running"
    && document.querySelectorAll("#live-candidates tbody tr").length > 0
    && document.querySelectorAll("#steps li").length > 2"""
_ASKED_TWICE = """button => { button.click(); document.querySelector("dialog[open]").close(); button.click(); }"""
"""So fast that the browser has not yet told that the dialog was closed."""
_LONG = "sleep 60; false"
_RED, _GREEN = b" in self.line)", b" in self.lines)"


@pytest.fixture
def basket(acme: Path) -> Iterator[Path]:
    """The red file of the demo. It is red again for the next test."""
    path = acme / "shop" / "basket.py"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def started(tab: Tab, checks: str = "") -> Page:
    """A run is asked for on the page that is for it, and is followed on its own."""
    page = tab.go("/runs")
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Checks").fill(checks)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}$"))
    return page


def confirm(page: Page, button: str, answer: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()


def test_a_run_is_seen_as_it_goes_on_then_applied_and_taken_back(
    demo: Server, open_tab: Open, basket: Path
) -> None:
    before = basket.read_bytes()
    tab = open_tab(demo)
    page = started(tab)
    page.wait_for_function(_CANDIDATE_WHILE_RUNNING)
    expect(page.get_by_role("table", name="Checks on the untouched files")).to_contain_text("unittest")
    apply, said = page.get_by_role("button", name="Apply to the files"), page.locator("#said")
    expect(apply).to_be_visible()
    expect(page.locator("#following")).to_have_count(0)
    won = page.locator(".sidecard.won")
    expect(won).to_contain_text("self.lines)")
    expect(won.get_by_role("row", name="unittest")).to_have_text(re.compile("red.*green", re.S))
    assert basket.read_bytes() == before
    confirm(page, "Apply to the files", "Leave it")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert basket.read_bytes() == before
    apply.evaluate(_ASKED_TWICE)
    page.get_by_role("dialog").get_by_role("button", name="Apply", exact=True).click()
    expect(said).to_have_text("Applied to shop/basket.py. The checks are green on the files.")
    assert basket.read_bytes() == before.replace(_RED, _GREEN)
    expect(apply).to_have_count(0)
    confirm(page, "Undo the apply", "Undo")
    expect(said).to_have_text("Taken back, byte for byte: shop/basket.py.")
    assert basket.read_bytes() == before
    expect(page.locator("#run")).to_contain_text("Undone")
    refused_on_changed_files(tab, basket)


def refused_on_changed_files(tab: Tab, path: Path) -> None:
    """The patch was proven on other bytes: it is not written, and the page says why."""
    changed = path.read_bytes() + b"# mine\n"
    path.write_bytes(changed)
    tab.refusals.add(409)
    confirm(tab.page, "Apply to the files", "Apply")
    expect(tab.page.locator("#said")).to_have_text(re.compile("^Refused: .*shop/basket.py"))
    expect(tab.page.locator("#said")).to_have_class("said bad")
    assert path.read_bytes() == changed
    expect(tab.page.get_by_role("button", name="Apply to the files")).to_be_enabled()


def test_a_run_is_cancelled_where_it_is_followed_and_others_see_both_without_a_reload(
    demo: Server, open_tab: Open
) -> None:
    other = open_tab(demo).go("/runs")
    jobs = other.get_by_role("table", name="Jobs that run and wait")
    expect(jobs).to_have_count(0)
    page = started(open_tab(demo), _LONG)
    expect(page.locator("#state")).to_have_text("running")
    expect(page.locator("#live")).to_have_text("1 running")
    expect(jobs).to_contain_text(page.url.rpartition("/")[2][:8])
    confirm(page, "Cancel", "Go on")
    expect(page.locator("#state")).to_have_text("running")
    confirm(page, "Cancel", "Cancel the run")
    expect(page.locator("main")).to_contain_text("cancelled")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    expect(page.locator("#live")).to_have_text("Server idle")
    expect(jobs).to_have_count(0)


def test_all_of_it_is_done_by_keyboard_alone(demo: Server, open_tab: Open, basket: Path) -> None:
    before = basket.read_bytes()
    tab = open_tab(demo)
    page, keys = tab.go("/"), tab.page.keyboard
    skip = page.get_by_role("link", name="Skip to content")
    tab.tab_to(skip, 1)
    expect(skip).to_be_in_viewport()
    keys.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab.tab_to(page.get_by_label("Time"), 3)
    page.reload()
    tab.tab_to(page.get_by_role("link", name="Runs", exact=True), 12)
    keys.press("Enter")
    page.wait_for_url("**/runs")
    tab.tab_to(page.get_by_label("Outcome"))
    keys.type("Rolled")
    tab.tab_to(page.get_by_role("button", name="Filter"), 1)
    keys.press("Enter")
    page.wait_for_url("**outcome=rolled_back**")
    tab.tab_to(page.get_by_role("link", name="Start a run"))
    keys.press("Enter")
    page.wait_for_url("**/start")
    tab.tab_to(page.get_by_role("button", name="Start the run"))
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}$"))
    apply, undo = (page.get_by_role("button", name=name) for name in ("Apply to the files", "Undo the apply"))
    expect(apply).to_be_visible()
    tab.tab_to(apply)
    keys.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Leave it")).to_be_focused()
    keys.press("Escape")
    expect(apply).to_be_focused()
    keys.press("Enter")
    tab.tab_to(page.get_by_role("dialog").get_by_role("button", name="Apply"), 1)
    keys.press("Enter")
    expect(page.locator("#said")).to_contain_text("Applied to")
    assert basket.read_bytes() != before
    tab.tab_to(undo)
    keys.press("Enter")
    tab.tab_to(page.get_by_role("dialog").get_by_role("button", name="Undo"), 1)
    keys.press("Enter")
    expect(page.locator("#said")).to_contain_text("Taken back")
    assert basket.read_bytes() == before


def test_focus_that_cannot_be_seen_is_noticed(demo: Server, open_tab: Open) -> None:
    tab = open_tab(demo)
    page = tab.go("/runs")
    tab.tab_to(page.get_by_label("Time"))
    page.evaluate("document.activeElement.style.outline = 'none'")
    with pytest.raises(AssertionError, match="filter-time"):
        tab.see_focus()
