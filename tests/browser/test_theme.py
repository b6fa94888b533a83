"""Light and dark: the machine's wish, the person's, remembered, and never the wrong one first."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open
from tests.server.conftest import Server

_LIGHTNESS = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data[1] / 255;
}"""
_AT_THE_BODY = """new MutationObserver((changes, observer) => {
    if (!document.body) return;
    window.themeAtTheBody = document.documentElement.dataset.theme ?? "";
    observer.disconnect();
}).observe(document, {childList: true, subtree: true})"""
"""Nothing is painted before there is a body: what holds then is what is seen first."""


def is_dark(page: Page) -> bool:
    return bool(page.evaluate(_LIGHTNESS) < 0.3)


def test_the_machine_s_wish_is_followed_until_somebody_has_one_of_their_own(demo: Server, open_tab: Open) -> None:
    page = open_tab(demo, color_scheme="dark").go("/")
    expect(page.locator("#theme")).to_have_text("Light theme")
    assert is_dark(page)
    page.emulate_media(color_scheme="light")
    assert not is_dark(page)
    page.get_by_role("button", name="Dark theme").click()
    assert is_dark(page)
    page.reload()
    assert is_dark(page)
    page.get_by_role("link", name="Speed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Speed")
    assert is_dark(page)
    page.get_by_role("button", name="Light theme").click()
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert not is_dark(page)


def test_the_theme_that_was_chosen_is_there_before_anything_is_painted(demo: Server, open_tab: Open) -> None:
    tab = open_tab(demo, color_scheme="light")
    tab.go("/").get_by_role("button", name="Dark theme").click()
    tab.context.add_init_script(_AT_THE_BODY)
    assert tab.go("/").evaluate("themeAtTheBody") == "dark"
    tab.page.route("/", _deferred)
    assert tab.go("/").evaluate("themeAtTheBody") == "", "a script that came too late would be noticed"


def _deferred(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=re.sub("<script ", "<script defer ", answer.text()))
