"""The API as its users meet it: each operation, and each status it may answer with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import a_long_sleep, processes_running
from tests.e2e.test_interrupt import wait_until
from tests.server.conftest import CHECK, ENDED, RED, Server, project, start, torre

FILES = {"files": {"app.py": RED}, "checks": [CHECK]}


@pytest.fixture(scope="module")
def server(roots: Path, env: dict[str, str]) -> Iterator[Server]:
    running = start(roots, env, "--workers", "1", "--queue", "8", "--rate", "1000")
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def done(server: Server) -> dict[str, Any]:
    """A run of files alone, waited for."""
    return server.run(FILES)


def test_a_run_that_is_waited_for_brings_the_contracts_output(
    done: dict[str, Any], env: dict[str, str], tmp_path: Path
) -> None:
    schema = json.loads(torre(env, "schema", "output").stdout)
    Draft202012Validator(schema).validate(done["result"])
    assert (done["state"], done["mode"], done["result"]["trace_id"]) == ("done", "PATCH", done["id"])
    (tmp_path / "app.py").write_text(RED)
    subprocess.run(["git", "apply"], input=done["result"]["diff"].encode(), cwd=tmp_path, check=True)
    assert "import os" not in (tmp_path / "app.py").read_text()


def test_a_run_that_is_not_waited_for_is_where_it_was_said_to_be(server: Server) -> None:
    wanted = str(uuid.uuid4())
    answer = server.post("/v1/runs", {**FILES, "trace_id": wanted})
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/runs/{wanted}")
    assert answer.json()["state"] == "queued" and "result" not in answer.json()
    assert server.until(wanted, "done")["result"]["mode"] == "PATCH"
    again = server.post("/v1/runs", {**FILES, "trace_id": wanted})
    assert (again.status_code, again.json()["field"]) == (409, "trace_id")


def test_events_come_in_order_and_go_on_where_a_reader_left_off(server: Server) -> None:
    run = server.run({**FILES, "checks": [f"sleep 1; {CHECK}"]}, wait=False)
    place = f"/v1/runs/{run['id']}/events"
    first = events(server, place, stop_at="checks")
    assert [each["id"] for each in first] == [str(n + 1) for n in range(len(first))]
    rest = events(server, place, last=first[-1]["id"])
    assert [int(each["id"]) for each in rest] == list(range(len(first) + 1, len(first) + 1 + len(rest)))
    assert rest[-1]["event"] == "ended" and json.loads(rest[-1]["data"])["outcome"] == "PATCH"
    assert server.get(place, headers={"Last-Event-ID": rest[-1]["id"]}).status_code == 204
    assert events(server, place) == [*first, *rest]


def events(server: Server, place: str, last: str = "", stop_at: str = "") -> list[dict[str, str]]:
    """The numbered events of a stream, to its end or to the first of a kind."""
    found: list[dict[str, str]] = []
    with server.client.stream("GET", place, headers={"Last-Event-ID": last} if last else {}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
                continue
            if "id" in event:
                found.append(event)
                if event["event"] == stop_at:
                    break
            event = {}
    return found


def test_cancelling_ends_a_run_and_all_that_it_runs(server: Server) -> None:
    seconds = a_long_sleep()
    hang = {"files": {"a": ""}, "checks": [f"sleep {seconds}"]}
    running, waiting = server.run(hang, wait=False), server.run(hang, wait=False)
    assert wait_until(lambda: processes_running(seconds)), "the check never started"
    assert server.post(f"/v1/runs/{waiting['id']}/cancel").json()["state"] == "cancelled"
    assert server.post(f"/v1/runs/{running['id']}/cancel").status_code == 202
    server.until(running["id"], "cancelled", seconds=10)
    assert not processes_running(seconds)
    again = server.post(f"/v1/runs/{running['id']}/cancel")
    assert (again.status_code, again.json()["detail"]) == (409, "there is nothing to cancel: the run is cancelled")
    assert server.run(FILES)["mode"] == "PATCH"


def test_a_run_whose_process_dies_has_failed_and_the_server_has_not(server: Server) -> None:
    seconds = a_long_sleep()
    run = server.run({"files": {"a": ""}, "checks": [f"sleep {seconds}"]}, wait=False)
    assert wait_until(lambda: processes_running(seconds)), "the check never started"
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)
    failure = server.until(run["id"], *ENDED)["failure"]
    assert (failure["status"], failure["detail"]) == (500, "its process was ended by signal 9")
    assert wait_until(lambda: not processes_running(seconds), 5)
    assert server.get("/readyz").status_code == 200


def test_runs_are_listed_page_by_page_and_filtered(server: Server, roots: Path, done: dict[str, Any]) -> None:
    workspace = project(roots, "listed", "VALUE = 1\n")
    mine = [server.run({"workspace": "listed", "checks": ["true"]})["id"] for _ in range(2)]
    all_of_them, page = [], {"next": ""}
    while page["next"] is not None:
        before = {"before": page["next"]} if page["next"] else {}
        page = server.get("/v1/runs", params={"limit": 2, **before}).json()
        all_of_them += [run["id"] for run in page["runs"]]
    assert len(all_of_them) == len(set(all_of_them)) and {done["id"], *mine} <= set(all_of_them)
    assert all_of_them[:2] == mine[::-1]
    here = server.get("/v1/runs", params={"workspace": str(workspace)}).json()["runs"]
    assert [run["id"] for run in here] == mine[::-1]
    cancelled = server.get("/v1/runs", params={"state": "cancelled"}).json()["runs"]
    assert {run["state"] for run in cancelled} <= {"cancelled"}


def test_records_are_those_of_the_command_line(server: Server, roots: Path, env: dict[str, str]) -> None:
    project(roots, "told")
    run = server.run({"workspace": "told", "checks": [CHECK]})
    for path, command in (("usage", ["usage"]), ("quotas", ["providers"])):
        shown = json.loads(torre(env, *command, str(roots / "told"), "--json").stdout)
        assert shown == {**shown, **server.get(f"/v1/{path}", params={"workspace": "told"}).json()}
    traces = server.get("/v1/traces", params={"workspace": "told"}).json()["runs"]
    assert [(t["trace_id"], t["status"], t["mode"]) for t in traces] == [(run["id"], "finished", "PATCH")]
    story = server.get(f"/v1/traces/{run['id']}", params={"workspace": "told"}).json()
    assert story["run"]["diff"] == run["result"]["diff"] and story["candidates"]


def test_reranking_says_which_candidate_is_proven(server: Server, roots: Path) -> None:
    workspace = project(roots, "ranked")
    good = "--- a/app.py\n+++ b/app.py\n@@ -1,3 +1 @@\n-import os\n-\n VALUE = 1\n"
    bad = good.replace("-import os\n-\n", "-import os\n+import sys\n \n").replace("+1 @@", "+1,3 @@")
    body = {"workspace": str(workspace), "candidates": [bad, {"diff": good, "provider": "me"}], "checks": [CHECK]}
    found = server.post("/v1/rerank", body).json()
    assert (found["selected_index"], found["winner"]["provider"]) == (1, "me")
    assert found["discard_reasons"] == {"0": "checks_red"}
    assert server.post("/v1/rerank", {**body, "k": 1}).json()["selected_index"] is None
    assert (workspace / "app.py").read_text() == RED


def test_the_command_line_reranks_too(roots: Path, env: dict[str, str]) -> None:
    project(roots, "by-hand", "VALUE = 1\n")
    asked = {"workspace": str(roots / "by-hand"), "candidates": ["no diff"], "checks": ["false"]}
    done = torre(env, "rerank", "--json", stdin=json.dumps(asked))
    assert done.returncode == 1 and json.loads(done.stdout)["discard_reasons"] == {"0": "invalid_diff"}
    wrong = torre(env, "rerank", "--json", stdin=json.dumps({**asked, "k": 0}))
    assert wrong.returncode == 2 and json.loads(wrong.stdout)["error"]["field"] == "k"


def test_an_editor_gets_a_patch_for_what_it_has_open(server: Server) -> None:
    complaint = {"path": "app.py", "line": 1, "column": 8, "message": "`os` imported but unused", "code": "F401"}
    body = {"files": {"app.py": RED}, "diagnostics": [{**complaint, "source": "ruff"}], "checks": [CHECK]}
    found = server.post("/v1/editor/patch", body).json()
    assert found["mode"] == "PATCH" and "-import os" in found["diff"]
    assert found["files_out"] == {"app.py": found["files_out"]["app.py"]}
    assert "VALUE = 1" in found["files_out"]["app.py"] and "import os" not in found["files_out"]["app.py"]
    assert found["report"]["stage"] == "style"


def test_an_apply_writes_the_patch_and_who_asked_for_it(server: Server, roots: Path) -> None:
    workspace = project(roots, "applied")
    proven = server.run({"workspace": "applied", "checks": [CHECK]})
    unproven = server.run({"workspace": "applied", "checks": ["false"]})
    body = {"trace_id": proven["id"], "workspace": "applied"}
    assert server.post("/v1/apply", {**body, "trace_id": str(uuid.uuid4())}).status_code == 404
    assert server.post("/v1/apply", {**body, "trace_id": unproven["id"]}).status_code == 409
    assert (workspace / "app.py").read_text() == RED
    answer = server.post("/v1/apply", body)
    assert answer.status_code == 200 and answer.json()["applied"]["files"] == ["app.py"]
    assert "import os" not in (workspace / "app.py").read_text()
    changed = server.post("/v1/apply", body)
    assert changed.status_code == 409 and "changed since" in changed.json()["detail"]
    audit = [json.loads(line) for line in (workspace / ".torre" / "audit.jsonl").read_text().splitlines()]
    assert [(line["key"], line["outcome"]) for line in audit] == [
        ("local", "begun"),
        ("local", "applied"),
        ("local", "begun"),
        ("local", "refused"),
    ]
    assert {line["trace_id"] for line in audit} == {proven["id"]} and audit[1]["files"] == ["app.py"]


def test_an_apply_that_is_rolled_back_is_no_success_and_leaves_it_locked(
    server: Server, roots: Path, env: dict[str, str]
) -> None:
    workspace = project(roots, "rolled")
    fickle = f"{CHECK} && test ! -e stale"
    run = server.run({"workspace": "rolled", "checks": [fickle]})
    (workspace / "stale").touch()
    body = {"trace_id": run["id"], "workspace": "rolled"}
    rolled = server.post("/v1/apply", body)
    assert (rolled.status_code, rolled.json()["applied"]["status"]) == (409, "rolled_back")
    assert (workspace / "app.py").read_text() == RED
    locked = server.post("/v1/apply", body)
    assert locked.status_code == 423 and "locked" in locked.json()["detail"]
    (workspace / "stale").unlink()
    assert torre(env, "unlock", str(workspace)).returncode == 0
    assert server.post("/v1/apply", body).status_code == 200


NOBODYS = "6f1f4c9e-0000-4000-8000-00000000beef"

REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/v1/runs", b"{", 400, "body"),
    ("POST", "/v1/runs", b"\xff{}", 400, "body"),
    ("POST", "/v1/runs", b'{"files":' * 100_000, 400, "body"),
    ("POST", "/v1/runs", b'{"meta": {"n": ' + b"1" * 5000 + b"}}", 400, "body"),
    ("POST", "/v1/runs", b'{"\\ud800": 1}', 422, "\ud800"),
    ("POST", "/v1/rerank", b"[" * 100_000, 422, "body"),
    ("POST", "/v1/rerank", b'{"workspace": "\\u0000", "candidates": ["x"]}', 422, "workspace"),
    ("POST", "/v1/runs", {}, 422, ""),
    ("POST", "/v1/runs", {"log": {}}, 422, "log"),
    ("POST", "/v1/runs", {"files": {"a": 1}}, 422, "files.a"),
    ("POST", "/v1/runs", {"files": {"a": ""}, "trace_id": "x"}, 422, "trace_id"),
    ("POST", "/v1/runs", {"workspace": "nowhere"}, 422, "workspace"),
    ("POST", "/v1/runs?deadline=0", {"files": {"a": ""}}, 422, "query.deadline"),
    ("POST", "/v1/runs?max_secods=1", {"files": {"a": ""}}, 422, "query.max_secods"),
    ("POST", "/v1/rerank", {"workspace": ".", "candidates": []}, 422, "candidates"),
    ("POST", "/v1/rerank", {"workspace": ".", "candidates": [{"diff": 1}]}, 422, "candidates[0].diff"),
    ("POST", "/v1/editor/patch", {"files": {"a": ""}, "diagnostics": [{"path": "a"}]}, 422, "diagnostics[0]"),
    ("POST", "/v1/apply", {"trace_id": "last"}, 422, "trace_id"),
    ("POST", "/v1/apply", b"", 400, "body"),
    ("GET", "/v1/runs?limit=0", None, 422, "query.limit"),
    ("GET", "/v1/runs?state=odd", None, 422, "query.state"),
    ("GET", f"/v1/runs/{NOBODYS}", None, 404, "id"),
    ("GET", "/v1/runs/nonsense", None, 404, "id"),
    ("GET", f"/v1/traces/{NOBODYS}", None, 404, "id"),
    ("GET", "/v1/nothing", None, 404, ""),
    ("DELETE", "/v1/runs", None, 405, ""),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "field"), REFUSED)
def test_a_refusal_says_what_it_means_and_which_field(
    server: Server, method: str, path: str, body: Any, status: int, field: str
) -> None:
    given: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body} if body else {}
    if body == {}:
        given = {"content": b"{}"}
    answer = server.client.request(method, path, headers={"Content-Type": "application/json"}, **given)
    told = answer.json()
    assert (answer.status_code, told["status"]) == (status, status), told
    assert answer.headers["content-type"] == "application/problem+json"
    assert told.get("field", "") == field and told["type"].startswith("urn:torre:problem:") and told["detail"]


def test_a_waited_run_that_the_command_line_would_refuse_is_refused(server: Server, roots: Path) -> None:
    workspace = project(roots, "policed")
    (workspace / ".torre").mkdir()
    (workspace / ".torre" / "providers.yaml").write_text("alowed: []\n")
    answer = server.post("/v1/runs", {"workspace": "policed", "checks": ["true"]}, headers={"Prefer": "wait"})
    assert answer.status_code == 422 and "alowed" in answer.json()["detail"]
    failed = server.get(answer.json()["run"]).json()
    assert (failed["state"], failed["failure"]["status"]) == ("failed", 422)
    differs = {"workspace": "policed", "files": {"app.py": "other"}, "checks": ["true"]}
    (workspace / ".torre" / "providers.yaml").write_text("allowed: []\n")
    answer = server.post("/v1/runs", differs, headers={"Prefer": "wait"})
    assert (answer.status_code, answer.json()["field"]) == (422, 'files["app.py"]')


def test_metrics_have_the_agreed_names_and_no_run_in_them(server: Server, done: dict[str, Any]) -> None:
    text = server.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {"torre_cost_usd", "torre_quota_remaining_ratio", "torre_over_limit", "torre_jobs"} <= set(families)
    counts = [s for s in families["torre_run_duration_seconds"].samples if s.name.endswith("_count")]
    assert any(s.labels == {"kind": "fix", "stage": "style", "outcome": "patch"} and s.value for s in counts)
    assert {s.value for s in families["torre_over_limit"].samples} == {0.0}
    assert done["id"] not in text


def test_the_quota_that_remains_is_scraped(server: Server, roots: Path) -> None:
    policy = roots / ".torre" / "providers.yaml"
    policy.write_text("quotas:\n  openai/gpt-4o: { rpm: 10 }\n")
    families = {family.name: family for family in text_string_to_metric_families(server.get("/metrics").text)}
    policy.unlink()
    (ratio,) = families["torre_quota_remaining_ratio"].samples
    assert (ratio.labels, ratio.value) == ({"provider": "openai/gpt-4o", "window": "rpm"}, 1.0)
