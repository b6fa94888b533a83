"""What is downloaded is what was shown."""

from __future__ import annotations

import csv
import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.server.conftest import Server

_ROWS = """table => [...table.tBodies[0].rows].map(row => [...row.cells].map(
    cell => cell.innerText.trim().split(String.fromCharCode(10))[0]))"""


def shown(page: Page, caption: str) -> list[list[str]]:
    """The rows of a table, the first line of each cell."""
    rows: list[list[str]] = page.get_by_role("table", name=caption, exact=True).evaluate(_ROWS)
    return rows


def downloaded(page: Page, link: str, name: str) -> list[dict[str, str]]:
    """The rows of a file, which comes by its name."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    assert download.value.suggested_filename == name
    return list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))


@pytest.mark.parametrize(
    ("path", "caption", "name", "columns"),
    [
        ("/", "Spend a day by provider", "spend", ("day", "lane", "calls")),
        ("/", "Outcomes a day", "outcomes", ("day", "runs", "green")),
        ("/providers", "Cost against win rate", "lanes", ("lane", None, None, None, "asked", "won")),
        ("/speed", "Attempts to green", "attempts", ("attempts", "runs")),
    ],
)
def test_a_file_has_the_rows_of_the_table(
    demo: Server, open_tab: Open, path: str, caption: str, name: str, columns: tuple[str | None, ...]
) -> None:
    page = open_tab(demo).go(path)
    card = page.get_by_role("region", name=caption, exact=True)
    card.get_by_text("Data", exact=True).click()
    table = shown(page, caption)
    rows = downloaded(page, f"CSV of {caption}", f"torre-{name}.csv")
    places = [(place, column) for place, column in enumerate(columns) if column]
    told = [[row[column] for _, column in places] for row in rows]
    told = [row for row in told if name != "outcomes" or row >= [table[0][0]]]  # days before the first run
    assert table and told == [[row[place] for place, _ in places] for row in table]


def test_the_files_of_the_runs_have_those_of_the_filter(demo: Server, open_tab: Open) -> None:
    page = open_tab(demo).go("/runs")
    page.get_by_label("Outcome").select_option("rolled_back")
    page.get_by_role("button", name="Filter").click()
    table = shown(page, "Runs and decisions, newest first")
    expect(page.get_by_role("heading", level=2)).to_have_text(f"{len(table)} runs")
    rows = downloaded(page, "CSV of these runs", "torre-runs.csv")
    assert table and [row["trace_id"][:8] for row in rows] == [row[0] for row in table]
    page.get_by_role("link", name="JSON of these runs").click()
    told = json.loads(page.locator("pre").inner_text())
    assert [row["trace_id"] for row in told["rows"]] == [row["trace_id"] for row in rows]
    assert told["filter"]["outcome"] == "rolled_back"
