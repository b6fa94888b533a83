"""What lies under none of the roots is not touched and not shown, whoever made it, and when."""

from __future__ import annotations

import json
from pathlib import Path

from tests.server.conftest import CHECK, RED, Serve, Server, environment, project, torre


def test_an_apply_beside_the_roots_is_not_taken_back(serve: Serve, tmp_path: Path) -> None:
    """Two workspaces of one repository have one journal, and the server was given one of them."""
    mono = tmp_path / "mono"
    (mono / ".git").mkdir(parents=True)
    for name in ("a", "b"):
        (mono / name).mkdir()
        (mono / name / "app.py").write_text(RED)
    env = environment(tmp_path)
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
