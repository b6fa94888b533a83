"""Names, logs and diffs come from repositories and models: none of it becomes a part of the page."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.conftest import DIFF, PAGES, Author, candidate, seen
from tests.dashboard.reading import Document
from tests.server.conftest import Server, start

ID = str(uuid.UUID(int=9, version=4))
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}\x1b[31m\x00\u202egnp\u2028"
SHOWN = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}gnp"
LANE = "evil/<b>lane</b>"


@pytest.fixture(scope="module")
def server(root: Path, env: dict[str, str]) -> Iterator[Server]:
    author = Author(root, env)
    author.begin(ID, 1, f"{root}/{EVIL}")
    author.attempt(ID, LANE, verdict="passed", error=EVIL)
    details = {
        **{"why": EVIL, "stage_reason": EVIL, "notes": [EVIL], "doubts": [EVIL]},
        "checks": [{"name": EVIL, "before": {"status": EVIL}}],
        "decision": {"rule": EVIL, "reason": EVIL},
    }
    made = candidate(0, LANE, origin=EVIL, detail=EVIL, diff=f"{DIFF}+{EVIL}\n", checks={EVIL: EVIL}, attempt=1)
    author.end(ID, 4, made, details=details, summary=EVIL, winner_origin=EVIL)
    author.store.close()
    running = start(root, env, "--rate", "1000")
    yield running
    assert running.stop() == 0, running.log


@pytest.mark.parametrize("path", [*PAGES, f"/runs/{ID}", "/runs?provider=%3Cscript%3E&cause=%22%3E%3Cscript%3E"])
def test_nothing_that_was_kept_becomes_a_part_of_the_page(server: Server, path: str) -> None:
    page = seen(server, path)
    assert page.violations() == []
    assert [script.get("src") for script in page.all("script")] == [page.all("script")[0]["src"]]
    assert all(image["src"] and image["src"].startswith("/static/") for image in page.all("img"))
    assert not any(control in page.text for control in "\x1b\x00\u202e\u2028")


def test_it_is_shown_as_the_text_that_it_is(server: Server) -> None:
    page = seen(server, f"/runs/{ID}")
    assert page.text.count(SHOWN) > 8
    assert SHOWN in seen(server, "/runs").text and LANE in seen(server, "/providers").text


def test_the_same_text_put_in_unescaped_would_be_noticed(server: Server) -> None:
    raw = server.get(f"/runs/{ID}", headers={"Accept": "text/html"}).text
    assert EVIL not in raw and "<script>alert" not in raw
    open_to_it = Document(f"<main>{EVIL}</main>".replace("</main>", "", 1))
    assert "script" in open_to_it.violations() and "img onerror" in open_to_it.violations()


def test_an_address_that_is_echoed_is_text_too(server: Server) -> None:
    for path in ("/runs/%3Cscript%3E", "/%3Cscript%3E", "/runs/x/%3Cscript%3E.csv"):
        page = seen(server, path, 404)
        assert page.violations() == [] and len(page.all("script")) == 1
    assert seen(server, "/?%3Cscript%3E=1", 422).violations() == []
    value = f"{EVIL}&x=y#z"
    page = Document(server.get("/runs", params={"provider": value}, headers={"Accept": "text/html"}).text)
    chosen = [option for option in page.all("option") if "selected" in option]
    assert any(option["value"] == value.replace("\x00", "\ufffd") or option["value"] == value for option in chosen)
