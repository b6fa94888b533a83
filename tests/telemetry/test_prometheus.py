"""A real Prometheus scrapes a real server and answers what people ask it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import REPOSITORY
from tests.telemetry.scraped import LANE, MODEL, Prometheus

ALLOWED = {"provider", "model", "stage", "outcome", "kind", "window", "state", "le"}
OWN = {"__name__", "instance", "job"}


def test_it_is_scraped_with_a_read_key_and_not_without_one(prometheus: Prometheus) -> None:
    assert {labels["job"]: value for labels, value in prometheus.query("up")} == {"torre": 1, "without a key": 0}


def test_what_a_run_cost_and_took_by_lane_model_stage_and_outcome(prometheus: Prometheus) -> None:
    by = "sum by (provider, model, stage, outcome)"
    lane = {"provider": LANE, "model": MODEL, "stage": "general"}
    spent = [({**lane, "outcome": "checks_red"}, 0.006), ({**lane, "outcome": "passed"}, 0.006)]
    assert sorted(prometheus.query(f"{by} (torre_cost_usd_total)"), key=lambda s: s[0]["outcome"]) == spent
    ((labels, runs),) = prometheus.query("torre_run_duration_seconds_count")
    assert (labels["stage"], labels["outcome"], runs) == ("general", "patch", 1)
    ((_, took),) = prometheus.query("torre_run_duration_seconds_sum")
    ((_, least),) = prometheus.query('torre_run_duration_seconds_bucket{le="+Inf"}')
    assert 0 < took < 60 and least == 1
    calls = prometheus.query("sum by (outcome) (torre_calls_total)")
    assert {labels["outcome"]: value for labels, value in calls} == {"checks_red": 1, "passed": 1}


def test_what_is_left_of_a_quota_and_nothing_beyond_it(prometheus: Prometheus) -> None:
    ((labels, left),) = prometheus.query("torre_quota_remaining_ratio")
    assert (labels["provider"], labels["window"], left) == (LANE, "daily_calls", 0.5)
    assert prometheus.query("count(torre_over_limit_total)")[0][1] > 1
    assert prometheus.query("torre_over_limit_total != 0") == []  # the alert that a reader would set
    assert prometheus.query("count(torre_over_limit_total == 0)") == prometheus.query(
        "count(torre_over_limit_total)"
    )


def test_no_label_grows_with_the_runs(prometheus: Prometheus) -> None:
    series = [labels for labels, _ in prometheus.query('{__name__=~"torre_.+"}')]
    assert len(series) > 20
    assert {name for labels in series for name in labels} <= ALLOWED | OWN
    assert not [labels for labels in series if set(prometheus.runs) & set(labels.values())]
    assert not any(run in prometheus.exposition() for run in prometheus.runs)


@pytest.mark.parametrize(
    ("block", "check"), [("scrape_configs:", ("config", "--syntax-only")), ("groups:", ("rules",))]
)
def test_what_the_page_says_to_configure_is_valid(tmp_path: Path, block: str, check: tuple[str, ...]) -> None:
    page = (REPOSITORY / "docs" / "telemetry.md").read_text()
    (found,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block in text]
    file = tmp_path / "configured.yml"
    for text, valid in (
        (found, True),
        (found.replace("torre_over_limit_total >", "> >").replace(":8321", "/x"), False),
    ):
        file.write_text(text)
        done = subprocess.run(["promtool", "check", *check, file], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is valid, done.stdout + done.stderr


def test_promtool_has_nothing_to_say_against_the_exposition(prometheus: Prometheus) -> None:
    def lint(text: str) -> str:
        check = ["promtool", "check", "metrics"]
        done = subprocess.run(check, input=text, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert lint(prometheus.exposition()) == ""
    assert "counter metrics should have" in lint("# HELP calls Calls.\n# TYPE calls counter\ncalls 1\n")
