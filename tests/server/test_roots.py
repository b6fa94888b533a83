"""What lies under none of the roots is not touched and not shown, whoever made it, and when."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from llm.apply.journal import Change, Journals, Manifest, State
from llm.workspace.paths import hash_of
from tests.e2e.test_interrupt import wait_until
from tests.server.conftest import CHECK, RED, Serve, Server, environment, project, torre

PARTS = ("a", "b")


def monorepo(place: Path) -> Path:
    """Two workspaces that have one root above them, with their records in it."""
    (place / ".git").mkdir(parents=True)
    for name in PARTS:
        (place / name).mkdir()
        (place / name / "app.py").write_text(RED)
    return place


def test_an_apply_beside_the_roots_is_not_taken_back(serve: Serve, tmp_path: Path) -> None:
    """Two workspaces of one repository have one journal, and the server was given one of them."""
    mono, env = monorepo(tmp_path / "mono"), environment(tmp_path)
    ran = torre(env, "fix", str(mono / "b"), "--apply", "--json", "--check", CHECK)
    assert ran.returncode == 0, ran.stderr
    told = {"trace_id": json.loads(ran.stdout)["trace_id"], "workspace": str(mono / "a")}
    mended = (mono / "b" / "app.py").read_text()
    assert mended != RED
    server = serve(root=mono / "a")
    refused = server.post("/v1/undo", told)
    assert refused.status_code == 403 and "none of the server's roots" in refused.json()["detail"]
    assert (mono / "b" / "app.py").read_text() == mended
    server.stop()
    assert serve(root=mono).post("/v1/undo", told).status_code == 200
    assert (mono / "b" / "app.py").read_text() == RED


def test_what_crashed_beside_the_roots_is_left_to_its_user(serve: Serve, tmp_path: Path) -> None:
    mono, env = monorepo(tmp_path / "mono"), environment(tmp_path)
    torn = b"half of it was writt"
    change = Change("app.py", hash_of(RED.encode()), hash_of(torn))
    with Journals(mono, env) as journals:
        left = journals.begin(
            Manifest("b", "1b2c0000-0000-4000-8000-000000000001", 0.0, (change,), {}), [RED.encode()]
        )
        assert left.state is State.APPLYING
    (mono / "b" / "app.py").write_bytes(torn)
    server = serve(root=mono / "a")
    run = server.run({"workspace": str(mono / "a"), "checks": [CHECK]})
    told = {"trace_id": run["id"], "workspace": str(mono / "a")}
    refused = server.post("/v1/apply", told)
    assert refused.status_code == 409 and "beside the server's roots was not finished" in refused.json()["detail"]
    assert (mono / "a" / "app.py").read_text() == RED
    assert (mono / "b" / "app.py").read_bytes() == torn
    server.stop()
    assert serve(root=mono).post("/v1/apply", told).status_code == 200
    assert (mono / "a" / "app.py").read_text() != RED
    assert (mono / "b" / "app.py").read_text() == RED


def listed(server: Server) -> list[set[str]]:
    """The workspaces of all runs, as three lists have them."""
    rows = server.get("/runs.json", params={"time": "all"}).json()["rows"]
    page = server.get("/runs", params={"time": "all"}).text
    return [
        {run["workspace"] for run in server.get("/v1/traces").json()["runs"]},
        {row["workspace"] for row in rows},
        {part for part in PARTS if f'/mono/{part}"' in page},
    ]


def test_what_was_done_beside_the_roots_is_not_shown(serve: Serve, tmp_path: Path) -> None:
    mono, env = monorepo(tmp_path / "mono"), environment(tmp_path)
    for part in PARTS:
        assert torre(env, "fix", str(mono / part), "--check", CHECK).returncode == 0
    server = serve(root=mono)
    assert listed(server) == [{str(mono / "a"), str(mono / "b")}] * 2 + [{*PARTS}]
    ids = {run["workspace"]: run["trace_id"] for run in server.get("/v1/traces").json()["runs"]}
    server.stop()

    server = serve(root=mono / "a")
    assert listed(server) == [{str(mono / "a")}] * 2 + [{"a"}]
    for part, status in zip(PARTS, (200, 404), strict=True):
        run = ids[str(mono / part)]
        assert [server.get(path + run).status_code for path in ("/v1/traces/", "/runs/")] == [status] * 2
    bare = server.run({"files": {"app.py": RED}, "checks": [CHECK]})["id"]  # the server's own, of no workspace
    assert {run["trace_id"] for run in server.get("/v1/traces").json()["runs"]} == {ids[str(mono / "a")], bare}
    assert server.get(f"/v1/traces/{bare}").status_code == 200


def test_what_waits_under_a_root_that_was_taken_away_is_not_done(serve: Serve, tmp_path: Path) -> None:
    kept = {"TORRE_LEDGER": str(tmp_path / "ledger.sqlite")}
    first, second = tmp_path / "first", tmp_path / "second"
    body = {"workspace": str(project(first)), "checks": [CHECK]}
    server = serve("--workers", "1", root=first, **kept)
    going_on = server.run({"files": {"a": ""}, "checks": ["sleep 74.27"]}, wait=False)["id"]
    server.until(going_on, "running")
    waiting = [server.run(body, wait=False)["id"] for _ in range(2)]
    server.stop(signal.SIGKILL)

    server = serve(root=second, **kept)
    assert wait_until(lambda: server.get("/readyz").json() == {"status": "ready", "waiting": 0, "running": 0})
    server.stop()
    server = serve("--root", str(first), root=second, **kept)
    assert [server.until(run, "failed")["failure"]["status"] for run in waiting] == [403, 403]
    assert not (first / "app" / ".torre").exists(), "nothing was asked, and nothing kept"
    assert server.run(body)["state"] == "done"


def shown(server: Server, run: str) -> set[int]:
    paths = (f"/v1/runs/{run}", f"/v1/runs/{run}/events", f"/runs/{run}", f"/runs/{run}/candidates.csv")
    return {server.get(path).status_code for path in paths}


def test_a_run_of_a_root_that_was_taken_away_is_not_shown(serve: Serve, tmp_path: Path) -> None:
    """Two servers, one after the other, share their jobs by the ledger."""
    kept = {"TORRE_LEDGER": str(tmp_path / "ledger.sqlite")}
    first, second = tmp_path / "first", tmp_path / "second"
    place = project(first)
    server = serve(root=first, **kept)
    runs = [
        str(server.run({"workspace": str(place), "checks": [CHECK]})["id"]),
        str(server.run({"files": {"app.py": RED}, "checks": [CHECK]})["id"]),
    ]
    assert [shown(server, run) for run in runs] == [{200}, {200}]
    assert len(server.get("/v1/runs").json()["runs"]) == 2
    server.stop()

    server = serve(root=second, **kept)
    assert [shown(server, run) for run in runs] == [{403}, {403}]
    assert server.post(f"/v1/runs/{runs[0]}/cancel").status_code == 403
    assert server.get("/v1/runs").json()["runs"] == []
    assert str(place) not in server.get("/start").text
    server.stop()

    place.rename(first / "gone")  # which is no reason to hide what was done there
    server = serve("--root", str(first), root=second, **kept)
    assert shown(server, runs[0]) == {200}
