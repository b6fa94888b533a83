"""Charts and addresses as such: what is drawn has the place that its number says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from llm.domain import Stage
from llm.kept.board.filters import OUTCOMES, Filter
from llm.server.dashboard.charts.bars import Column, bars
from llm.server.dashboard.charts.flow import Ribbon, flow
from llm.server.dashboard.charts.gauge import gauge
from llm.server.dashboard.charts.line import Point, line
from llm.server.dashboard.charts.scatter import Spot, scatter
from llm.server.dashboard.charts.svg import Axis, Words
from llm.server.dashboard.charts.waterfall import span_bar
from llm.server.dashboard.view import words
from llm.server.dashboard.view.query import CUSTOM, TIMES, View, view_of
from llm.server.problem import Problem
from tests.dashboard.reading import Document

ABOUT = Words("chart", "A <chart>", 'what "it" shows')
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_FILTERS = st.builds(
    Filter,
    since=st.integers(0, 2_000_000_000).map(float),
    until=st.integers(2_000_000_001, 4_000_000_000).map(lambda at: at + 0.125),
    workspace=_NAMES,
    stage=st.sampled_from(["", *map(str, Stage)]),
    provider=_NAMES,
    outcome=st.sampled_from(["", *OUTCOMES]),
    min_ms=st.none() | st.integers(0, 10**9),
    max_ms=st.none() | st.integers(0, 10**9),
    attempts=st.none() | st.integers(0, 99),
    cause=_NAMES,
)


def parts(text: str, tag: str) -> Iterator[dict[str, str]]:
    for attrs in Document(text).all(tag):
        yield {name: value or "" for name, value in attrs.items()}


def asked(address: str) -> View:
    query = urlsplit(address).query.encode("ascii")
    return view_of(Request({"type": "http", "query_string": query, "headers": [], "path": "/", "method": "GET"}))


@given(st.floats(0, 1e12), st.sampled_from([0.0, 1.0]))
def test_an_axis_covers_what_there_is_with_a_few_round_ticks(most: float, least: float) -> None:
    axis = Axis.up_to(most, 100, least)
    assert axis.top >= most * 0.999 and 2 <= len(axis.ticks) <= 7
    assert axis.ticks[0] == 0 and axis.y(axis.top) == 0 and axis.y(0) == 100
    assert not least or axis.ticks[1] >= 1


def test_columns_stand_side_by_side_and_as_high_as_their_sums() -> None:
    columns = [
        Column(f"{n}", (("s0", n), ("s1", n)), f"{n} & <more>", f"/runs?n={n}&m=1") for n in (0.0, 1.0, 2.0)
    ]
    text = bars(ABOUT, columns, words.short)
    drawn = [one for one in parts(text, "rect") if "bar" in one["class"]]
    assert len(drawn) == 4  # nothing is drawn of nothing
    lower, upper = drawn[2], drawn[3]
    assert float(upper["y"]) < float(lower["y"]) and lower["x"] == upper["x"]
    assert float(lower["height"]) == pytest.approx(2 * float(drawn[0]["height"]))
    links = list(parts(text, "a"))
    assert [link["href"] for link in links] == ["/runs?n=0.0&m=1", "/runs?n=1.0&m=1", "/runs?n=2.0&m=1"]
    assert links[0]["aria-label"] == "0.0 & <more>" and "<more>" not in text


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    values = (0.5, None, 1.0, 0.0)
    text = line(ABOUT, [Point("d", value, "w", "/") for value in values], 1.0, words.share)
    (path,) = parts(text, "path")
    assert re.findall("[ML]", path["d"]) == ["M", "M", "L"] and len(list(parts(text, "circle"))) == 3


def test_names_of_points_that_lie_together_are_apart() -> None:
    spots = [Spot(f"a lane {n}", 10 + n / 10, 0.5, 0.4, 0.6, "w", "/", n) for n in range(6)]
    text = scatter(ABOUT, spots, words.dollars)
    heights = sorted(float(one["y"]) for one in parts(text, "text") if one["class"] == "note")
    assert all(after - before > 14 for before, after in pairwise(heights))


def test_ribbons_are_as_thick_as_they_are_many() -> None:
    ribbons = [Ribbon("a", "b", 30, "w", "/"), Ribbon("a", "c", 10, "w", "/")]
    blocks = list(parts(flow(ABOUT, ribbons), "rect"))
    heights = sorted(float(block["height"]) for block in blocks)
    assert len(blocks) == 3 and heights[2] == pytest.approx(heights[0] + heights[1])
    assert heights[1] == pytest.approx(3 * heights[0])


@pytest.mark.parametrize(("settled", "held", "state"), [(0.2, 0.1, "calm"), (0.7, 0.2, "high"), (1.5, 0, "full")])
def test_a_gauge_is_never_more_than_full(settled: float, held: float, state: str) -> None:
    drawn = list(parts(gauge(ABOUT, settled, held, 3.0), "rect"))
    shares = [float(one["width"].rstrip("%")) for one in drawn[1:]]
    assert sum(shares) <= 100 and state in drawn[1]["class"]


def test_a_span_stays_on_its_line() -> None:
    for start, end in ((0, 10), (90, 500), (5000, 9000), (-5, 3)):
        (bar,) = parts(span_bar(start, end, 100, "run"), "rect")
        assert 0 <= float(bar["x"].rstrip("%")) + float(bar["width"].rstrip("%")) <= 100.01


@given(_FILTERS, st.sampled_from([CUSTOM, *TIMES]), _NAMES)
def test_an_address_asks_for_the_runs_that_it_was_made_of(chosen: Filter, time: str, cursor: str) -> None:
    view = View(time, replace(chosen, since=1.0, until=2.0))
    assert asked(view.href("/runs", chosen)).filter == chosen
    again = asked(view.href("/runs"))
    assert again.time == time and replace(again.filter, since=1.0, until=2.0) == view.filter


def test_what_is_asked_for_twice_in_a_minute_is_the_same() -> None:
    first, second = asked("/"), asked("/?time=30d")
    assert first == second or second.filter.until - first.filter.until == 60
    assert asked("/?time=7d&since=1&until=2").time == "7d"
    with pytest.raises(Problem, match="since"):
        asked("/?since=9&until=9")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (words.money(0), "$0.00"),
        (words.money(None), "unknown"),
        (words.money(0, 3), "unknown"),
        (words.money(1_500_000, 1), "$1.50 + unknown"),
        (words.money(31_400), "$0.0314"),
        (words.money(2_345_678_900_000), "$2,345,679"),
        (words.duration(999), "999 ms"),
        (words.duration(9_500), "9.5 s"),
        (words.duration(61_000), "1 min 01 s"),
        (words.duration(3_700_000), "1 h 01 min"),
        (words.short(1_250_000), "1.25M"),
        (words.place("/srv/app/web", "/srv/app"), "web"),
        (words.place("/srv/app", "/srv/app"), "app"),
        (words.place(""), "files alone"),
    ],
)
def test_amounts_are_told_as_people_read_them(told: str, text: str) -> None:
    assert told == text
