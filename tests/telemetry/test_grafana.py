"""The Grafana dashboard: what it asks, a real Prometheus answers; what Grafana needs of a file is there."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.e2e.conftest import REPOSITORY
from tests.telemetry.scraped import Prometheus

DASHBOARD: dict[str, Any] = json.loads((REPOSITORY / "docs" / "grafana" / "torre.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
COLUMNS = 24
_METRIC = re.compile(r"\btorre_[a-z_]+")
_PARTS = re.compile(r"_(bucket|count|sum)$")


def asked(expression: str) -> str:
    """With the variables that Grafana fills in."""
    filled = expression.replace("$__rate_interval", "20s").replace("$__range", "1m")
    assert "$" not in filled, filled
    return filled


def by_title(title: str) -> str:
    (panel,) = [panel for panel in PANELS if panel["title"] == title and panel["type"] == "stat"]
    expression: str = panel["targets"][0]["expr"]
    return asked(expression)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_is_answered(prometheus: Prometheus, expression: str) -> None:
    assert prometheus.query(asked(expression)), "no series"
    offered = set(re.findall(r"^# TYPE (\S+)", prometheus.exposition(), re.MULTILINE))
    named = {_PARTS.sub("", name) for name in _METRIC.findall(expression)}
    assert named and named <= offered


def test_an_expression_that_is_none_would_be_found(prometheus: Prometheus) -> None:
    with pytest.raises(HTTPError, match="400"):
        prometheus.query("sum by (provider (torre_jobs)")
    assert prometheus.query("torre_cost_usd_totl") == []


def test_the_figures_on_top_are_those_of_the_run(prometheus: Prometheus) -> None:
    """Of counters that were born in the range too, which `increase` alone does not see."""
    figures = {
        title: prometheus.query(by_title(title))[0][1] for title in ("Spend", "Green rate", "Runs", "Over limit")
    }
    assert figures == {"Spend": pytest.approx(0.012), "Green rate": 1, "Runs": 1, "Over limit": 0}
    assert prometheus.query("sum(increase(torre_cost_usd_total[1m]))")[0][1] == 0


def test_what_people_look_for_is_there() -> None:
    told = " ".join(f"{panel['title']} {panel['description']}" for panel in PANELS).lower()
    for word in ("spend", "green rate", "duration", "quota left", "over limit", "calls by cause"):
        assert word in told
    assert any("0.5," in e for e in EXPRESSIONS) and any("0.95," in e for e in EXPRESSIONS)


def test_grafana_can_import_it() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert DASHBOARD["id"] is None and DASHBOARD["uid"] and DASHBOARD["title"] and DASHBOARD["schemaVersion"] >= 41
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        assert (
            panel["type"] in ("stat", "timeseries", "bargauge")
            and panel["title"]
            and panel["datasource"] == source
        )
        assert {"defaults", "overrides"} == set(panel["fieldConfig"]) and panel["options"] and panel["targets"]
        assert [target["refId"] for target in panel["targets"]] == list("ABCD")[: len(panel["targets"])]
        assert all(target["datasource"] == source for target in panel["targets"])
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None and all(a["value"] < b["value"] for a, b in pairwise(steps[1:]))
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= COLUMNS and min(place.values()) >= 0 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
