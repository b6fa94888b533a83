"""What lanes cost shows in the metrics and in the usage of the API, when a run of the server has asked one."""

from __future__ import annotations

import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.provider_runs import CHECK, FILES, GREEN, whole
from tests.server.conftest import Serve

LANE = "acme/coder"
POLICY = """\
allowed: [acme/coder]
quotas:
  acme/coder: {{ daily_calls: 4 }}
models:
  acme/coder:
    protocol: replay
    model: coder-1
    base_url: "replay://{answers}"
    price: {{ input: 2, output: 8 }}
routes: {{ types: [acme/coder], tests: [acme/coder], general: [acme/coder], build: [acme/coder] }}
"""


def test_what_a_lane_cost_is_counted_by_lane_model_stage_and_outcome(serve: Serve, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps([{"text": whole(GREEN), "tokens_in": 1000, "tokens_out": 500, "repeat": True}]))
    own = tmp_path / "config" / "torre" / "providers.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(POLICY.format(answers=answers))
    server = serve(PROVIDERS_V1="1")
    run = server.post(
        "/v1/runs?max_seconds=0", {"files": FILES, "checks": [CHECK]}, headers={"Prefer": "wait"}
    ).json()
    assert run["result"]["metrics"]["providers"]["selected"]["provider"] == LANE, run
    families = {family.name: family for family in text_string_to_metric_families(server.get("/metrics").text)}
    (cost,) = [s for s in families["torre_cost_usd"].samples if s.name == "torre_cost_usd_total"]
    stage = run["result"]["report"]["stage"]
    assert cost.labels == {"provider": LANE, "model": "coder-1", "stage": stage, "outcome": "passed"}
    assert cost.value == run["result"]["metrics"]["trace"]["cost_usd"] == 0.006
    left = {s.labels["window"]: s.value for s in families["torre_quota_remaining_ratio"].samples}
    assert left == {"daily_calls": 0.75}
    (used,) = server.get("/v1/usage").json()["usage"]
    assert (used["lane"], used["calls"], used["usd_micros"]) == (LANE, 1, 6000)
