"""A run from its start to its patch, applied and taken back: what the page of the run says and offers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.conftest import seen
from tests.dashboard.reading import Document
from tests.server.conftest import CHECK, RED, Server, start


@pytest.fixture(scope="module")
def server(root: Path, env: dict[str, str]) -> Iterator[Server]:
    running = start(root, env, "--rate", "1000")
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def run_id(server: Server, root: Path) -> str:
    """A run that proved a patch."""
    told = server.run({"workspace": str(root), "checks": [CHECK]})
    assert told["mode"] == "PATCH"
    return str(told["id"])


def change(page: Document, what: str) -> dict[str, str]:
    """What the button of the page sends."""
    (button,) = page.all("button", data_change=what)
    assert page.all("dialog", id=str(button["data-dialog"]))
    return {
        "path": str(button["data-path"]),
        "trace": str(button["data-trace"]),
        "at": str(button["data-workspace"]),
    }


def press(server: Server, page: Document, what: str) -> int:
    asked = change(page, what)
    return server.post(asked["path"], {"trace_id": asked["trace"], "workspace": asked["at"]}).status_code


def test_a_patch_is_applied_and_taken_back_from_its_page(server: Server, root: Path, run_id: str) -> None:
    path = f"/runs/{run_id}"
    page = seen(server, path)
    assert "The patch was not applied" in page.text and not page.all("button", data_change="undo")
    assert press(server, page, "apply") == 200 and (root / "app.py").read_text() != RED
    page = seen(server, path)
    assert not page.all("button", data_change="apply") and "Applied" in page.text
    assert press(server, page, "undo") == 200 and (root / "app.py").read_text() == RED
    page = seen(server, path)
    assert page.all("button", data_change="apply") and "Undone" in page.text
    audit = (root / ".torre" / "audit.jsonl").read_text()
    assert '"action": "undo"' in audit and '"outcome": "undone"' in audit


def test_only_the_last_apply_is_taken_back_and_only_if_it_is_of_this_run(
    server: Server, root: Path, run_id: str
) -> None:
    told = {"trace_id": run_id, "workspace": str(root)}
    assert server.post("/v1/undo", told).status_code == 409
    assert server.post("/v1/apply", told).status_code == 200
    before = (root / "app.py").read_text()
    other = server.post("/v1/undo", {**told, "trace_id": str(uuid.uuid4())})
    assert other.status_code == 409 and run_id in other.json()["detail"]
    assert (root / "app.py").read_text() == before
    (root / "app.py").write_text("VALUE = 2\n")
    changed = server.post("/v1/undo", told)
    assert changed.status_code == 409 and "was changed since" in changed.json()["detail"]
    (root / "app.py").write_text(before)
    assert server.post("/v1/undo", told).status_code == 200


def test_an_apply_that_is_refused_leaves_the_page_as_it_was(server: Server, root: Path, run_id: str) -> None:
    (root / "app.py").write_text("import os\n\nVALUE = 3\n")
    page = seen(server, f"/runs/{run_id}")
    assert press(server, page, "apply") == 409
    assert seen(server, f"/runs/{run_id}").all("button", data_change="apply")
    (root / "app.py").write_text(RED)


def test_a_run_that_goes_on_is_followed_and_can_be_ended(server: Server, root: Path) -> None:
    told = server.run({"workspace": str(root), "checks": ["sleep 30; false"]}, wait=False)
    page = seen(server, f"/runs/{told['id']}")
    (place,) = page.all("div", id="following")
    assert place["data-events"] == f"/v1/runs/{told['id']}/events"
    assert told["id"][:8] in seen(server, "/runs").tables["Jobs that run and wait"][1][0]
    live = server.get("/live.json").json()
    assert live["running"] + live["waiting"] == 1 and live["words"] in ("1 running", "1 waiting")
    (button,) = page.all("button", data_change="cancel")
    assert server.post(str(button["data-path"])).status_code == 202
    server.until(told["id"], "cancelled")
    assert server.get("/live.json").json()["mark"] != live["mark"]
    page = seen(server, f"/runs/{told['id']}")
    assert not page.all("div", id="following")


def test_an_apply_is_a_job_with_a_page_that_leads_to_its_run(server: Server, root: Path, run_id: str) -> None:
    told = {"trace_id": run_id, "workspace": str(root)}
    assert server.post("/v1/apply", told).status_code == 200
    job = next(job for job in server.get("/v1/runs").json()["runs"] if job["kind"] == "apply")
    page = seen(server, f"/runs/{job['id']}")
    assert f"/runs/{run_id}" in page.links() and "applied" in page.text
    assert server.post("/v1/undo", told).status_code == 200
