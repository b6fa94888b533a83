"""The six pages as a browser shows them: with the demo's runs, with none, narrow, and without JavaScript."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Open
from tests.browser.tab import Tab
from tests.dashboard.conftest import PAGES
from tests.server.conftest import Server

_HREFS = "links => links.map(link => new URL(link.getAttribute('href'), location).href)"
_SHAPES = 60
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
TITLES = ("Overview", "Quotas", "Providers", "Speed", "Runs and decisions")
CHARTS = (3, 5, 2, 2, 0)
"""Drawings on each page: a gauge is one."""
REMEDIES = {
    "/": "torre fix",
    "/quotas": "Caps are set in",
    "/providers": "torre policy init",
    "/speed": "torre fix",
    "/runs": "torre fix",
}
_PLANTED = "document.body.append(Object.assign(document.createElement('pre'), {textContent: 'x'.repeat(99)}))"
_WIDE = "() => document.scrollingElement.scrollWidth - innerWidth"


@pytest.mark.parametrize(("path", "title", "charts"), list(zip(PAGES, TITLES, CHARTS, strict=True)))
def test_a_page_shows_the_runs_that_there_were(
    demo: Server, open_tab: Open, path: str, title: str, charts: int
) -> None:
    page = open_tab(demo).go(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("link", name=title.split()[0], exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("Demo data")).to_be_visible()
    assert page.locator("main svg.plot, main svg.gauge").count() >= charts
    expect(page.locator(".empty")).to_have_count(0)
    shown = page.locator("main .card").all()
    assert shown and all(card.bounding_box() for card in shown)


def test_the_page_of_a_run_tells_its_story(demo: Server, open_tab: Open, told: str) -> None:
    page = open_tab(demo).go(told)
    expect(page.get_by_role("heading", level=1)).to_contain_text(told.rpartition("/")[2][:8])
    for name in ("Why", "Apply and rollback", "Waterfall", "Candidates side by side", "Attempts of providers"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    bars = page.locator(".waterfall .bar").all()
    assert len(bars) > 2 and all((bar.bounding_box() or {"width": 0})["width"] > 0 for bar in bars)
    beside = [side.bounding_box() for side in page.locator(".sidecard").all()[:2]]
    assert beside[0] and beside[1] and beside[0]["y"] == beside[1]["y"] and beside[0]["x"] < beside[1]["x"]


def test_the_pages_of_an_empty_home_say_what_to_do(empty: Server, open_tab: Open) -> None:
    tab = open_tab(empty)
    for path, remedy in REMEDIES.items():
        expect(tab.go(path).locator(".empty").first).to_be_visible()
        expect(tab.page.locator("main")).to_contain_text(remedy)


def test_every_link_leads_somewhere(demo: Server, open_tab: Open, six: tuple[str, ...]) -> None:
    """Breadth first, from the six pages; one of each shape: the same path, the same names in the query."""
    tab = open_tab(demo)
    todo, shapes = [demo.url + path for path in six], dict[object, str]()
    for url in todo:
        if len(shapes) == _SHAPES or _shape(url) in shapes:
            continue
        shapes[_shape(url)] = url
        if urlsplit(url).path.endswith((".csv", ".json")):
            assert tab.context.request.get(url).status == 200, url
        else:
            todo += tab.go(url).eval_on_selector_all("a[href]", _HREFS)
    assert {urlsplit(url).path for url in shapes.values()} >= {*six, "/start", "/runs.csv", "/overview/spend.json"}
    assert len(shapes) == _SHAPES


def _shape(url: str) -> object:
    parts = urlsplit(url)
    return _ID.sub("ID", parts.path), tuple(sorted(name for name, _ in parse_qsl(parts.query)))


def test_whatever_is_wrong_with_a_page_is_noticed(demo: Server, browser: Browser) -> None:
    with browser.new_context(base_url=demo.url) as context:
        tab = Tab(context, demo.url)
        tab.go("/").evaluate("""() => {
            document.body.insertAdjacentHTML("beforeend", '<p style="color: red">planted</p>');
            new Image().src = "/nothing.png";
            fetch("/v1/runs/1234");
            console.warn("planted warning");
            setTimeout(() => { throw new Error("planted error") });
        }""")
        for words in ("Content Security Policy", "status of 404", "warning: planted", "error: planted error"):
            assert tab.hears(words), tab.complaints


def test_a_request_to_another_place_is_noticed(demo: Server, browser: Browser) -> None:
    with browser.new_context(base_url=demo.url, bypass_csp=True) as context:
        tab = Tab(context, demo.url)
        tab.go("/").evaluate("new Image().src = 'https://outside.example/count.gif'")
        assert tab.hears("outside: https://outside.example/count.gif"), tab.complaints


def test_no_page_is_wider_than_a_telephone(demo: Server, open_tab: Open, six: tuple[str, ...]) -> None:
    tab = open_tab(demo)
    tab.page.set_viewport_size({"width": 360, "height": 740})
    wide = {path: tab.go(path).evaluate(_WIDE) for path in (*six, "/start", "/login")}
    assert [path for path, more in wide.items() if more > 0] == []
    tab.page.evaluate(_PLANTED)
    assert tab.page.evaluate(_WIDE) > 0


def test_without_javascript_there_are_filters_links_and_tables(demo: Server, open_tab: Open, told: str) -> None:
    tab = open_tab(demo, java_script_enabled=False)
    page = tab.go("/")
    page.get_by_label("Stage").select_option("style")
    page.get_by_role("button", name="Filter").click()
    assert "stage=style" in page.url
    assert page.get_by_label("Stage").input_value() == "style"
    page.get_by_text("Data", exact=True).first.click()
    expect(page.get_by_role("table", name="Spend a day by provider")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    rows = page.get_by_role("table", name="Runs and decisions, newest first").locator("tbody tr")
    assert rows.count() > 5
    assert all("style" in row for row in rows.all_inner_texts())
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("table", name="Waterfall")).to_be_visible()
    tab.go(told)
    expect(page.get_by_text("On a terminal:")).to_be_visible()
    expect(page.locator("button:visible")).to_have_count(0)
    tab.go("/start")
    expect(page.get_by_text("Starting a run here needs JavaScript")).to_be_visible()


def test_who_wants_no_motion_sees_none(demo: Server, open_tab: Open) -> None:
    tab = open_tab(demo)
    page = tab.go("/runs?outcome=running")
    moving = "() => getComputedStyle(document.querySelector('.pill.live'), '::before').animationName"
    assert page.evaluate(moving) == "beat"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == "none"
