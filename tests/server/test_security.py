"""Who is let in, and to what: each refusal beside the same request let through."""

from __future__ import annotations

import http.client
import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.server.conftest import BIN, CHECK, RED, Serve, Server, project, start, torre

ASKED = {"files": {"a": ""}, "checks": ["true"]}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def keys(env: dict[str, str]) -> dict[str, str]:
    """One key for each scope, made before the server starts."""
    made = {}
    for scope in ("read", "run", "apply"):
        done = torre(env, "keys", "create", f"the {scope} one", "--scope", scope, "--json")
        made[scope] = json.loads(done.stdout)["key"]
    return made


@pytest.fixture(scope="module")
def server(roots: Path, env: dict[str, str], keys: dict[str, str]) -> Iterator[Server]:
    running = start(
        roots, env, "--host", "0.0.0.0", "--rate", "500", "--max-body", "0.5", "--allow-host", "torre.test"
    )
    yield running
    assert running.stop() == 0, running.log


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_only_with_a_key_may_others_reach_it(tmp_path: Path, serve: Serve) -> None:
    user = {"user": tmp_path}
    with pytest.raises(AssertionError, match=r"there is no API key: `torre keys create` first"):
        serve("--host", "0.0.0.0", **user)
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": str(BIN)}
    made = json.loads(torre(env, "keys", "create", "a", "--json").stdout)
    assert serve("--host", "0.0.0.0", **user).get("/healthz").status_code == 200
    torre(env, "keys", "revoke", made["id"])
    with pytest.raises(AssertionError, match="there is no API key"):
        serve("--host", "0.0.0.0", root=tmp_path / "other", **user)


def test_without_a_key_nothing_is_told_and_nothing_is_written(
    server: Server, roots: Path, keys: dict[str, str]
) -> None:
    def rows() -> int:
        with sqlite3.connect(roots / ".torre" / "jobs.sqlite") as db:
            return int(db.execute("SELECT count(*) FROM job").fetchone()[0])

    before = rows()
    key = keys["run"]
    for wrong in ("", "Bearer", "Bearer torre", f"Bearer {key[:-1]}x", f"Basic {key}", f"Bearer {key.upper()}"):
        for method, path in (
            ("GET", "/v1/runs"),
            ("GET", "/metrics"),
            ("GET", "/nothing"),
            ("GET", "/openapi.json"),
        ):
            answer = server.client.request(method, path, headers={"Authorization": wrong})
            assert answer.status_code in (401, 429), (wrong, path)
            assert answer.headers.get("www-authenticate", "Bearer").startswith("Bearer")
        assert server.post("/v1/runs", ASKED, headers={"Authorization": wrong}).status_code in (401, 429)
    assert rows() == before and not (roots / ".torre" / "audit.jsonl").exists()
    assert server.get("/healthz").status_code == 200
    assert server.post("/v1/runs", ASKED, headers=bearer(key)).status_code == 202
    assert rows() == before + 1


MATRIX = [
    ("GET", "/v1/runs", "read", 200),
    ("GET", "/metrics", "read", 200),
    ("POST", "/v1/runs", "run", 422),
    ("POST", "/v1/rerank", "run", 422),
    ("POST", "/v1/editor/patch", "run", 422),
    ("POST", "/v1/apply", "apply", 422),
]


@pytest.mark.parametrize(("method", "path", "scope", "status"), MATRIX)
def test_a_key_does_what_its_scope_says(
    server: Server, keys: dict[str, str], method: str, path: str, scope: str, status: int
) -> None:
    given: dict[str, Any] = {"json": {"odd": 1}} if method == "POST" else {}
    for other, key in keys.items():
        answer = server.client.request(method, path, headers=bearer(key), **given)
        assert answer.status_code == (status if other == scope else 403), other
        if other != scope:
            assert f"may not {scope}" in answer.json()["detail"]


def test_a_cookie_is_as_good_as_a_header_for_a_page_of_the_servers_own(
    server: Server, keys: dict[str, str]
) -> None:
    cookie = {"Cookie": f"torre_key={keys['run']}"}
    own, other = {"Origin": server.url}, {"Origin": "http://evil.test"}
    assert server.post("/v1/runs", ASKED, headers=cookie | own).status_code == 202
    assert server.post("/v1/runs", ASKED, headers=cookie | other).status_code == 403
    assert server.post("/v1/runs", ASKED, headers=cookie | {"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_session_moves_the_key_into_a_cookie_that_scripts_and_other_sites_do_not_get(
    server: Server, keys: dict[str, str]
) -> None:
    own = {"Origin": server.url}
    with httpx2.Client(base_url=server.url, trust_env=False) as browser:
        assert browser.post("/v1/session", headers=own).status_code == 401
        begun = browser.post("/v1/session", headers=own | bearer(keys["read"]))
        kept = begun.headers["set-cookie"].lower()
        assert begun.status_code == 204 and "httponly" in kept and "samesite=strict" in kept
        assert browser.get("/v1/runs").status_code == 200
        assert browser.delete("/v1/session", headers=own).status_code == 204
        assert browser.get("/v1/runs").status_code == 401


def test_a_revoked_key_is_refused_by_a_server_that_runs_and_a_rotated_one_works(
    server: Server, env: dict[str, str]
) -> None:
    first = json.loads(torre(env, "keys", "create", "x", "--json").stdout)
    assert server.get("/v1/runs", headers=bearer(first["key"])).status_code == 200
    second = json.loads(torre(env, "keys", "rotate", first["id"], "--grace", "3600", "--json").stdout)
    third = json.loads(torre(env, "keys", "rotate", second["id"], "--json").stdout)
    statuses = [server.get("/v1/runs", headers=bearer(each["key"])).status_code for each in (first, second, third)]
    assert statuses == [200, 401, 200]
    assert torre(env, "keys", "revoke", first["id"]).returncode == 0
    assert server.get("/v1/runs", headers=bearer(first["key"])).status_code == 401
    listed = {key["id"]: key for key in json.loads(torre(env, "keys", "list", "--json").stdout)["keys"]}
    assert [listed[each["id"]]["holds"] for each in (first, second, third)] == [False, False, True]
    assert torre(env, "keys", "revoke", "nosuchid").returncode == 2
    assert torre(env, "keys", "rotate", first["id"]).returncode == 2


def test_what_is_kept_of_a_key_does_not_open_anything(
    home: Path, keys: dict[str, str], env: dict[str, str]
) -> None:
    folder = home / "config" / "torre"
    kept = (folder / "server-keys.json").read_text()
    for key in keys.values():
        assert (
            key not in kept and key.split("_", 2)[2] not in kept and key not in torre(env, "keys", "list").stdout
        )
    for file in folder.iterdir():
        if file.suffix != ".lock":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_keys_that_others_could_have_written_let_nobody_in(serve: Serve, tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": str(BIN)}
    key = json.loads(torre(env, "keys", "create", "a", "--json").stdout)["key"]
    server = serve(user=tmp_path)
    assert server.get("/v1/runs", headers=bearer(key)).status_code == 200
    file = tmp_path / "config" / "torre" / "server-keys.json"
    file.touch()
    file.chmod(0o666)
    assert server.get("/v1/runs", headers=bearer(key)).status_code == 503
    file.unlink()
    assert server.get("/v1/runs").status_code == 401, "taking the keys away must not open the door"


def test_a_key_that_is_made_closes_an_open_door(serve: Serve, tmp_path: Path) -> None:
    server = serve(user=tmp_path)
    assert server.get("/v1/runs").status_code == 200
    torre({"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": str(BIN)}, "keys", "create", "a")
    assert server.get("/v1/runs").status_code == 401


@pytest.fixture(scope="module")
def open_server(home: Path, env: dict[str, str]) -> Iterator[Server]:
    """Reached from this machine alone, without keys: what a page in a browser here would attack."""
    env = {**env, "XDG_CONFIG_HOME": str(home / "no-keys")}
    (home / "open").mkdir()
    running = start(home / "open", env, "--max-body", "0.5", "--rate", "500")
    yield running
    running.stop()


HEADERS = [
    ({}, 202),
    ({"Host": "localhost:{port}"}, 202),
    ({"Host": "[::1]:{port}"}, 202),
    ({"Host": "evil.test"}, 403),
    ({"Host": "evil.test:{port}"}, 403),
    ({"Host": "127.0.0.1.evil.test:{port}"}, 403),
    ({"Host": "192.168.1.2:{port}"}, 403),
    ({"Host": ""}, 403),
    ({"Host": "[::1"}, 403),
    ({"Host": "localhost/healthz?"}, 403),
    ({"Host": "evil@localhost"}, 403),
    ({"Origin": "http://["}, 403),
    ({"Origin": "http://127.0.0.1:{port}"}, 202),
    ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "null"}, 403),
    ({"Host": "evil.test:{port}", "Origin": "http://evil.test:{port}"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 202),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ({"Content-Type": ""}, 415),
    ({"Content-Type": "application/json; charset=utf-8"}, 202),
]


@pytest.mark.parametrize(("headers", "status"), HEADERS)
def test_pages_of_other_sites_cannot_ask(open_server: Server, headers: dict[str, str], status: int) -> None:
    port = str(urlsplit(open_server.url).port)
    given = {name: value.format(port=port) for name, value in headers.items()}
    answer = raw(open_server, "POST", "/v1/runs", json.dumps(ASKED).encode(), {**JSON, **given})
    assert answer[0] == status, answer
    assert "access-control-allow-origin" not in answer[1]


def raw(
    server: Server, method: str, path: str, body: Any, headers: dict[str, str], chunked: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """A request with exactly these headers, which a client of manners would not send."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    try:
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_another_address_is_refused_a_named_host_is_not(server: Server, keys: dict[str, str]) -> None:
    for host, status in (("torre.test", 200), ("TORRE.test:80", 200), ("10.1.2.3", 200), ("other.test", 403)):
        assert raw(server, "GET", "/v1/runs", None, {"Host": host, **bearer(keys["read"])})[0] == status, host


@pytest.mark.parametrize("host", ["127.0.0.1/healthz?", "127.0.0.1:80/healthz#", "torre.test/healthz?x="])
def test_no_host_makes_a_public_path_of_another(server: Server, keys: dict[str, str], host: str) -> None:
    asked = json.dumps(ASKED).encode()
    assert raw(server, "GET", "/healthz", None, {"Host": "127.0.0.1"})[0] == 200
    assert raw(server, "GET", "/v1/runs", None, {"Host": host})[0] == 403
    assert raw(server, "POST", "/v1/runs", asked, JSON | {"Host": host} | bearer(keys["run"]))[0] == 403


def test_a_preflight_gets_no_permission(open_server: Server) -> None:
    asks = {"Origin": "http://evil.test", "Access-Control-Request-Method": "POST"}
    status, headers, _ = raw(open_server, "OPTIONS", "/v1/runs", None, asks)
    assert status == 403 and not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/healthz", "/v1/runs", "/nothing", "/v1/runs?limit=x"])
def test_every_answer_tells_a_browser_to_mind(open_server: Server, path: str) -> None:
    headers = open_server.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin" and "server" not in headers


def test_too_much_is_refused_whether_it_says_so_or_not(open_server: Server) -> None:
    def sized(size: int) -> bytes:
        return json.dumps({**ASKED, "meta": {"pad": "x" * size}}).encode()

    large, small = sized(600_000), sized(400_000)
    pieces = [large[n : n + 50_000] for n in range(0, len(large), 50_000)]
    assert raw(open_server, "POST", "/v1/runs", small, JSON)[0] == 202
    assert raw(open_server, "POST", "/v1/runs", large, JSON)[0] == 413
    assert (
        raw(open_server, "POST", "/v1/runs", iter([small]), JSON | {"Transfer-Encoding": "chunked"}, True)[0]
        == 202
    )
    assert (
        raw(open_server, "POST", "/v1/runs", iter(pieces), JSON | {"Transfer-Encoding": "chunked"}, True)[0] == 413
    )


def test_workspaces_lie_under_the_roots_and_nowhere_else(open_server: Server, home: Path) -> None:
    inside, outside = project(home / "open", "inside"), project(home, "outside")
    (home / "open" / "link").symlink_to(outside)
    (home / "open" / "fair").symlink_to(inside)

    def statuses(workspace: str) -> set[int]:
        place = {"workspace": workspace}
        asked = {
            "/v1/runs": {**place, "checks": ["true"]},
            "/v1/rerank": {**place, "candidates": ["x"], "checks": [CHECK]},
            "/v1/editor/patch": {**place, "files": {"app.py": RED}, "checks": ["true"]},
        }
        looked = {
            open_server.get(path, params=place).status_code for path in ("/v1/traces", "/v1/usage", "/v1/quotas")
        }
        return looked | {open_server.post(path, body).status_code for path, body in asked.items()}

    for good in ("inside", str(inside), "fair", "../open/inside"):
        assert statuses(good) <= {200, 202}, good
    for bad in (
        "..",
        "../../outside",
        str(outside),
        "link",
        "link/.git",
        "/etc",
        "/nowhere/at/all",
        "/proc/self/cwd",
    ):
        assert statuses(bad) == {403}, bad
    assert not (outside / ".torre").exists()


def test_who_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    server = serve("--rate", "2")
    answers = [server.get("/v1/runs") for _ in range(12)]
    while all(a.status_code == 200 for a in answers) and len(answers) < 500:  # slower than two a second at first
        answers.append(server.get("/v1/runs"))
    assert [a.status_code for a in answers[:8]] == [200] * 8
    refused = [a for a in answers if a.status_code == 429]
    assert refused and {a.headers["retry-after"] for a in refused} == {"1"}
    assert server.get("/healthz").status_code == 200


def test_who_runs_may_not_apply_by_the_servers_own_environment(serve: Serve, tmp_path: Path) -> None:
    workspace = project(tmp_path / "roots")
    server = serve(TORRE_APPLY="1")
    assert server.run({"workspace": "app", "checks": [CHECK]})["mode"] == "PATCH"
    assert (workspace / "app.py").read_text() == RED


def test_a_proxy_is_not_believed_about_who_asks(open_server: Server) -> None:
    with httpx2.Client(base_url=open_server.url, trust_env=False) as client:
        answer = client.get("/v1/runs", headers={"X-Forwarded-Host": "evil.test", "X-Forwarded-For": "1.2.3.4"})
    assert answer.status_code == 200
