"""Who sees a page, and what on it: keys and their scopes; and what is told to who may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.conftest import CHEAP, GREEN, HTML, PAGES, keep_runs, seen
from tests.dashboard.reading import Document
from tests.server.conftest import Server, start, torre

COOKIE = "torre_key"


@pytest.fixture(scope="module")
def keys(env: dict[str, str]) -> dict[str, str]:
    made = {}
    for name, scopes in (
        ("read", ["read"]),
        ("run", ["read", "run"]),
        ("apply", ["read", "apply"]),
        ("only", ["run"]),
    ):
        told = torre(env, "keys", "create", name, *(word for one in scopes for word in ("--scope", one)), "--json")
        made[name] = json.loads(told.stdout)["key"]
    return made


@pytest.fixture(scope="module")
def server(root: Path, env: dict[str, str], keys: dict[str, str]) -> Iterator[Server]:
    keep_runs(root, env)
    running = start(root, env, "--rate", "1000")
    yield running
    assert running.stop() == 0, running.log


def as_browser(server: Server, key: str, path: str, status: int = 200) -> Document:
    answer = server.get(path, headers={**HTML, "Cookie": f"{COOKIE}={key}"})
    assert answer.status_code == status, answer.text
    return Document(answer.text)


@pytest.mark.parametrize("path", [*PAGES, f"/runs/{GREEN}", "/nothing"])
def test_without_a_key_a_page_asks_for_one_and_tells_nothing(server: Server, path: str) -> None:
    page = seen(server, path, 401)
    assert page.all("form", id="login") and page.violations() == []
    assert GREEN[:8] not in page.text and "openai" not in page.text
    told = server.get(path)
    assert told.status_code == 401 and told.headers["content-type"] == "application/problem+json"


def test_the_login_page_and_what_it_needs_are_for_everybody(server: Server) -> None:
    page = seen(server, "/login")
    for attrs in (*page.all("script"), *page.all("link"), *page.all("img")):
        place = attrs.get("src") or attrs.get("href") or ""
        answer = server.get(place)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert server.get("/static/dashboard.000000000000.css").status_code == 401
    assert server.get("/login").headers["cache-control"] == "no-store"


def test_a_key_is_kept_in_a_cookie_that_no_script_reads_and_forgotten_again(
    server: Server, keys: dict[str, str]
) -> None:
    begun = server.post("/v1/session", headers={"Authorization": f"Bearer {keys['read']}"})
    kept = begun.headers["set-cookie"]
    assert begun.status_code == 204 and "HttpOnly" in kept and "SameSite=strict" in kept
    server.client.cookies.clear()
    assert as_browser(server, keys["read"], "/").all("button", id="logout")
    ended = server.client.delete("/v1/session", headers={"Cookie": f"{COOKIE}={keys['read']}"})
    assert ended.status_code == 204 and 'torre_key=""' in ended.headers["set-cookie"]
    server.client.cookies.clear()


@pytest.mark.parametrize(("name", "starts", "changes"), [("read", 0, 0), ("run", 1, 0), ("apply", 0, 1)])
def test_only_what_a_key_may_do_is_offered(
    server: Server, keys: dict[str, str], name: str, starts: int, changes: int
) -> None:
    assert len(as_browser(server, keys[name], "/").all("a", href="/start")) == starts
    run = as_browser(server, keys[name], f"/runs/{GREEN}")
    assert len(run.all("button", data_change="undo")) == changes
    assert len(run.all("dialog", id="ask-undo")) == changes
    as_browser(server, keys[name], "/start", 200 if starts else 403)


def test_a_key_that_may_not_read_sees_a_page_that_says_so(server: Server, keys: dict[str, str]) -> None:
    for path in (*PAGES, f"/runs/{CHEAP}", "/live.json", "/runs.csv", "/overview/spend.csv"):
        page = as_browser(server, keys["only"], path, 403)
        assert "may not read" in page.text and page.violations() == []


def test_problems_are_pages_for_browsers_and_problems_for_programs(server: Server, keys: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {keys['read']}"}
    for path, status in (("/nothing", 404), ("/runs/1234", 404), ("/?x=1", 422)):
        page = server.get(path, headers={**HTML, **bearer})
        assert page.status_code == status and page.headers["content-type"].startswith("text/html")
        told = server.get(path, headers=bearer)
        assert told.status_code == status and told.headers["content-type"] == "application/problem+json"
    api = server.get("/v1/runs/1234", headers={**HTML, **bearer})
    assert api.status_code == 404 and api.headers["content-type"] == "application/problem+json"
    wrong = server.client.request("PUT", "/runs", headers={**HTML, **bearer})
    assert wrong.status_code == 405 and "GET" in wrong.headers["allow"]


def test_a_stranger_s_name_for_the_server_gets_a_page_and_nothing_else(
    server: Server, keys: dict[str, str]
) -> None:
    answer = server.get("/", headers={**HTML, "Host": "evil.test", "Cookie": f"{COOKIE}={keys['read']}"})
    assert answer.status_code == 403 and "evil.test" in Document(answer.text).text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
