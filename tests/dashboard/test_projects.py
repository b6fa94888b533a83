"""One server over several projects: each has its own traces, and all of them can be looked at."""

from __future__ import annotations

from pathlib import Path

from tests.dashboard.conftest import HTML, seen
from tests.dashboard.reading import Document
from tests.server.conftest import CHECK, Serve, Server, project


def listed(server: Server, path: str) -> list[str]:
    rows = seen(server, path).tables.get("Runs and decisions, newest first", [[]])[1:]
    return [row[0][:8] for row in rows]


def test_each_project_is_reached_by_its_workspace_and_each_run_by_its_id(serve: Serve, tmp_path: Path) -> None:
    places = [project(tmp_path / "roots", name) for name in ("one", "two")]
    server = serve()
    assert "torre fix" in seen(server, "/runs?time=all").text
    ids = [str(server.run({"workspace": str(place), "checks": [CHECK]})["id"]) for place in places]
    assert listed(server, "/runs") == [ids[1][:8]]  # nothing is kept at the root itself: the last project that is
    for place, run in zip(places, ids, strict=True):
        assert listed(server, f"/runs?workspace={place}") == [run[:8]]
        assert "ruff" in seen(server, f"/runs/{run}").text
        assert "Runs 1" in seen(server, f"/?workspace={place}").text
    offered = {option["value"] for option in seen(server, "/").all("option")}
    assert {str(place) for place in places} <= offered


def test_what_lies_under_no_root_is_not_looked_at(serve: Serve, tmp_path: Path) -> None:
    elsewhere = project(tmp_path / "elsewhere")
    server = serve()
    for place in (elsewhere, "/nothing/there", "../elsewhere/app"):
        answer = server.get("/runs", params={"workspace": str(place)}, headers=HTML)
        assert answer.status_code == 403, place
        assert "under none of the server's roots" in Document(answer.text).text


def test_a_policy_that_cannot_be_read_is_said_and_not_taken_for_none(serve: Serve, tmp_path: Path) -> None:
    place = project(tmp_path / "roots", "one")
    (place / ".torre").mkdir()
    (place / ".torre" / "providers.yaml").write_text("budgets: {}\n")
    page = seen(serve(), f"/quotas?workspace={place}", 422)
    assert "budgets" in page.text and "torre policy check" in page.text
