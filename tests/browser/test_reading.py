"""What axe-core says about every page, in light and in dark."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.e2e.conftest import REPOSITORY
from tests.server.conftest import Server

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
_ASK = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
_UNLABELLED = "document.querySelector('main').insertAdjacentHTML('beforeend', '<input name=planted>')"


def findings(page: Page, axe: str) -> list[str]:
    """Those that are serious or critical: the rule, and where."""
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(_ASK)
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.fail(f"{AXE} is missing: run `make setup`")
    return AXE.read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(
    demo: Server, open_tab: Open, six: tuple[str, ...], axe: str, scheme: str
) -> None:
    tab = open_tab(demo, color_scheme=scheme, reduced_motion="reduce")
    tab.refusals.update({404, 422})
    few = (path if path != "/runs" else "/runs?outcome=rolled_back&min_ms=5" for path in six)
    places = (*few, "/start", "/login", "/runs/1234", "/?colour=red")
    found = {path: findings(tab.go(path), axe) for path in places}
    assert {path: told for path, told in found.items() if told} == {}


def test_pages_with_all_of_it_unfolded_and_dialogs_too(demo: Server, open_tab: Open, told: str, axe: str) -> None:
    tab = open_tab(demo)
    for path in ("/", "/speed", "/providers"):
        page = tab.go(path)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert findings(page, axe) == [], path
    page = tab.go(told)
    page.get_by_role("button", name="Undo the apply").click()
    assert findings(page, axe) == []


def test_empty_pages_too(empty: Server, open_tab: Open, axe: str) -> None:
    tab = open_tab(empty)
    assert {path: found for path in ("/", "/quotas", "/runs") if (found := findings(tab.go(path), axe))} == {}


def test_what_nobody_can_read_is_found(demo: Server, open_tab: Open, axe: str) -> None:
    page = open_tab(demo).go("/start")
    page.evaluate(_UNLABELLED)
    assert [found.partition(":")[0] for found in findings(page, axe)] == ["label"]
