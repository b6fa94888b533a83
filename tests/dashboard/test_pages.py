"""Each page, empty and with runs: what stands on it, where it leads, and that a browser may show it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.dashboard.conftest import (
    CHEAP,
    GOOGLE,
    GREEN,
    HTML,
    LOST,
    OPENAI,
    PAGES,
    RED,
    Author,
    candidate,
    seen,
)
from tests.dashboard.reading import Document
from tests.server.conftest import Serve, Server, environment, project

ALL = (*PAGES, f"/runs/{GREEN}", f"/runs/{RED}", "/start", "/login")


@pytest.mark.parametrize("path", ALL)
def test_a_page_is_whole_and_breaks_no_rule_of_the_content_security_policy(server: Server, path: str) -> None:
    page = seen(server, path)
    assert page.violations() == []
    assert len(page.all("h1")) == 1 and len(page.all("main")) == 1 and page.all("html", lang="en")
    ids = [str(attrs["id"]) for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids))
    named = [attrs.get(name) for _, attrs in page.elements for name in ("aria-labelledby", "aria-describedby")]
    assert {one for words in named if words for one in words.split()} <= set(ids)
    assert {str(label["for"]) for label in page.all("label") if label.get("for")} <= set(ids)


def test_what_a_browser_would_not_be_let_do_is_noticed() -> None:
    page = Document('<p style="a" onclick="b"></p><script>c</script><img src="http://other/"><style></style>')
    assert page.violations() == ["p style", "p onclick", "script", "img http://other/", "style"]


@pytest.mark.parametrize("path", PAGES)
def test_every_chart_says_what_it_is_and_has_its_numbers_in_words_too(server: Server, path: str) -> None:
    page = seen(server, path)
    charts = page.all("svg", class_="plot")
    assert len(charts) == {"/": 3, "/quotas": 0, "/providers": 2, "/speed": 2, "/runs": 0}[path]
    assert all(chart["role"] == "group" and chart["aria-labelledby"] for chart in charts)
    assert len(page.all("details", class_="data")) == len(charts)


def test_every_link_leads_to_a_page_that_is_there(server: Server) -> None:
    todo, done = list(PAGES), set[str]()
    while todo:
        path = todo.pop()
        if path in done or len(done) > 150:
            continue
        done.add(path)
        answer = server.get(path, headers=HTML)
        assert answer.status_code == 200, (path, answer.text)
        if "html" in answer.headers["content-type"]:
            todo += [urljoin(path, href) for href in Document(answer.text).links()]
    assert any(path.startswith(f"/runs/{GREEN}") for path in done) and any(".csv" in path for path in done)


def test_the_overview_counts(server: Server) -> None:
    text = seen(server, "/").text
    for words in (
        "Runs 4 3 ended",
        "Green rate 67% 2 proved a patch",
        "Spend $0.0030",
        "Applied 1",
        "Interrupted 1",
    ):
        assert words in text


def test_every_figure_at_the_top_leads_to_its_runs(server: Server) -> None:
    tiles = server.get("/", headers=HTML).text.split('<div class="stat">')[1:]
    assert len(tiles) == 8
    for tile in tiles:
        assert re.search(r'<dd><a href="/(runs|speed)', tile), tile[:200]


def test_a_time_that_ends_long_after_now_has_the_runs_of_the_last_days(server: Server) -> None:
    for path in ("/?since=0&until=99999999999", "/?since=0&until=100000000000"):
        assert "Runs 4 3 ended" in seen(server, path).text


def test_there_is_one_green_rate(serve: Serve, tmp_path: Path) -> None:
    author = Author(project(tmp_path, "roots"), environment(tmp_path))
    for run, ending in ((GREEN, {}), (RED, {}), (CHEAP, {"mode": "EMPTY", "exit_code": 0, "winner": None})):
        author.begin(run, 0.01)
        author.end(run, 1, *([candidate(0, OPENAI)] if run == GREEN else []), **ending)
    author.store.close()
    page = seen(serve(), "/?time=7d")
    assert "Nothing red" in page.text and "Green rate 50%" in page.text
    days = page.tables["Green rate a day"]
    assert days[0] == ["Day", "Had red", "Green", "Rate"]
    assert ["2", "1", "50%"] in [day[1:] for day in days]  # a quarter of an hour ago may be yesterday


def test_a_price_that_nobody_knows_is_nowhere_nothing(serve: Serve, tmp_path: Path) -> None:
    author = Author(project(tmp_path, "roots"), environment(tmp_path))
    author.begin(GREEN, 0.01)
    author.attempt(GREEN, OPENAI, usd_micros=None, verdict="passed")
    author.end(GREEN, 1, candidate(0, OPENAI, attempt=1))
    server = serve()
    page, lanes = seen(server, "/?time=7d"), seen(server, "/providers?time=7d")
    assert "Spend unknown" in page.text and "Cost per green unknown" in page.text
    assert any(f"{OPENAI} unknown" in str(link["aria-label"]) for link in page.all("a", tabindex="-1"))
    assert f"Nobody knows the price of {OPENAI}" in lanes.text and not lanes.all("circle")
    assert "$0.00" not in page.text + lanes.text
    author.begin(RED, 0.01)
    author.attempt(RED, OPENAI, verdict="checks_red")
    author.end(RED, 1)
    author.store.close()
    assert "Spend $0.0030 + unknown" in seen(server, "/?time=7d").text
    lanes = seen(server, "/providers?time=7d")
    assert lanes.all("circle") and "Nobody knows" not in lanes.text
    assert any("+ unknown a run" in str(link["aria-label"]) for link in lanes.all("a", tabindex="-1"))


def test_what_a_chart_shows_is_what_its_link_leads_to(server: Server) -> None:
    rows = seen(server, "/").tables["Outcomes a day"]
    assert rows[0] == ["Day", "Runs", "Green", "No winner", "Lanes failed", "Interrupted"][: len(rows[0])] or rows
    charts = [
        attrs for attrs in seen(server, "/").all("a", tabindex="-1") if "1 green" in str(attrs["aria-label"])
    ]
    assert len(charts) == 2
    for attrs in charts:
        listed = seen(server, str(attrs["href"]))
        assert len(listed.tables["Runs and decisions, newest first"]) == 2 and "1 run" in listed.text


def test_the_runs_are_listed_with_what_was_decided(server: Server) -> None:
    rows = seen(server, "/runs").tables["Runs and decisions, newest first"][1:]
    assert [row[0][:8] for row in rows] == [run[:8] for run in (LOST, CHEAP, RED, GREEN)]
    assert "embedded/fixers: checks red" in rows[2]
    green = " ".join(rows[3])
    for words in ("Green Applied", OPENAI, "answer 0", "$0.0030", "12 s"):
        assert words in green


def test_a_run_is_told_with_its_candidates_beside_each_other(server: Server) -> None:
    page = seen(server, f"/runs/{GREEN}")
    assert page.tables["Checks of candidate 0"][1:] == [["mypy", "red", "green"]]
    assert [row[0] for row in page.tables["Attempts of providers"][1:]] == [f"{GOOGLE} 1", f"{OPENAI} 1"]
    assert "-import os" in page.text and "it passed" in page.text and "by cli" in page.text
    assert page.tables["Waterfall"][1][0] == "run"


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("stage=style", [CHEAP]),
        (f"provider={OPENAI}", [RED, GREEN]),
        ("outcome=green", [CHEAP, GREEN]),
        ("outcome=applied", [GREEN]),
        ("min_ms=5000&max_ms=20000", [GREEN]),
        ("cause=timeout", [RED]),
        ("time=24h&outcome=green", []),
        ("workspace=&stage=&provider=&outcome=&time=90d", [LOST, CHEAP, RED, GREEN]),
    ],
)
def test_a_filter_leaves_only_its_runs_and_stays_in_the_links(server: Server, query: str, runs: list[str]) -> None:
    page = seen(server, f"/runs?{query}")
    rows = page.tables.get("Runs and decisions, newest first", [[]])[1:]
    assert [row[0][:8] for row in rows] == [run[:8] for run in runs]
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if value and name != "outcome" and "ms" not in name and name != "cause":
            assert any(value in href.replace("%2F", "/") for href in page.links() if href.startswith("/speed"))


@pytest.mark.parametrize("path", [*PAGES, f"/runs/{GREEN}", "/start"])
def test_what_a_page_does_not_know_is_told_and_not_passed_over(server: Server, path: str) -> None:
    page = seen(server, f"{path}?colour=red", 422)
    assert "query.colour: unknown parameter" in page.text and page.violations() == []


@pytest.mark.parametrize(
    "query",
    [
        *("stage=x", "outcome=x", "time=1d", "since=x", "min_ms=-1", "since=5&until=4", "cursor=x"),
        *("cursor=1.0-99999999999999999999999", "cursor=1.0--1", "cursor=nan-1", "cursor=inf-1"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_name(server: Server, query: str) -> None:
    assert query.partition("=")[0] in seen(server, f"/runs?{query}", 422).text


def test_an_empty_project_says_what_to_do_on_every_page(serve: Serve) -> None:
    server = serve()
    commands = {"/": "torre fix", "/providers": "torre policy init", "/speed": "torre fix", "/runs": "torre fix"}
    for path, command in commands.items():
        page = seen(server, f"{path}?time=all")
        assert page.all("div", class_="empty") and command in page.text, path
    assert "No call was refused" in seen(server, "/quotas").text
    assert seen(server, "/").text.count("Start a run") == 1


def test_pages_of_runs_follow_each_other_without_a_gap(server: Server, root: Path) -> None:
    page = seen(server, "/runs")
    assert not page.all("a", rel="next")
    assert re.search(r"4 runs", page.text)
