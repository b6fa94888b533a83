"""What was accepted is done, or said to be lost to an interruption: under a full queue, a signal, and a kill."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path

import httpx2
import pytest

from llm.server.jobs.line import FairLine
from tests.e2e.conftest import a_long_sleep, processes_running
from tests.e2e.test_interrupt import wait_until
from tests.server.conftest import BIN, ENDED, Serve, Server, torre

QUICK = {"files": {"a": ""}, "checks": ["true"]}


def hang(seconds: str) -> dict[str, object]:
    return {"files": {"a": ""}, "checks": [f"sleep {seconds}"]}


def test_keys_take_turns() -> None:
    line = FairLine(each=3)
    for key, job in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("c", "c2")):
        assert not line.full(key)
        line.put(key, job)
    assert line.full("a") and not line.full("b")
    line.remove("c", "c1")
    assert [line.take() for _ in range(6)] == ["a1", "b1", "c2", "a2", "a3", None]


def test_one_key_that_asks_for_much_does_not_hold_up_another(serve: Serve, tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": str(BIN)}
    create = ("keys", "create", "k", "--scope", "run", "--scope", "read", "--json")
    much, little = (json.loads(torre(env, *create).stdout)["key"] for _ in range(2))
    server = serve("--workers", "1", "--queue", "4")

    def ask(key: str) -> httpx2.Response:
        return server.post("/v1/runs", QUICK, headers={"Authorization": f"Bearer {key}"})

    asked = [ask(much) for _ in range(6)]
    assert [a.status_code for a in asked[:4]] == [202] * 4 and asked[-1].status_code == 429
    last = ask(little)
    assert last.status_code == 202
    server.client.headers["Authorization"] = f"Bearer {little}"
    mine = server.until(last.json()["id"], "done")
    others = [server.until(a.json()["id"], "done") for a in asked if a.status_code == 202]
    assert sum(run["ended"] < mine["started"] for run in others) <= 2


def test_a_full_queue_pushes_back_and_lets_in_again(serve: Serve) -> None:
    server = serve("--workers", "1", "--queue", "1")
    running = server.run(hang("7421"), wait=False)
    server.until(running["id"], "running")
    waiting = server.run(QUICK, wait=False)
    refused = server.post("/v1/runs", QUICK)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:torre:problem:queue")
    assert 1 <= int(refused.headers["retry-after"]) <= 300
    assert server.get("/readyz").json() == {"status": "ready", "waiting": 1, "running": 1}
    server.post(f"/v1/runs/{running['id']}/cancel")
    server.until(waiting["id"], "done")
    assert server.run(QUICK)["state"] == "done"


def test_whoever_is_gone_does_not_keep_the_server_busy(serve: Serve, tmp_path: Path) -> None:
    server, seconds = serve(), a_long_sleep()
    body = {"workspace": ".", "candidates": ["x"], "checks": [f"sleep {seconds}"]}
    with pytest.raises(httpx2.TimeoutException):
        server.post("/v1/rerank", body, timeout=httpx2.Timeout(10, read=4))
    assert wait_until(lambda: server.get("/readyz").json()["running"] == 0, 15)
    assert not processes_running(seconds)
    (run,) = server.get("/v1/runs").json()["runs"]
    assert (run["kind"], run["state"]) == ("rerank", "cancelled")


def test_told_to_stop_it_ends_what_it_can_and_leaves_the_rest_to_the_next(serve: Serve) -> None:
    first = serve("--workers", "2", "--grace", "15")
    seconds = a_long_sleep()
    short, long = first.run(hang("1"), wait=False), first.run(hang(seconds), wait=False)
    for run in (short, long):
        first.until(run["id"], "running")
    assert wait_until(lambda: processes_running(seconds))
    waiting = first.run(QUICK, wait=False)
    assert first.stop() == 0, first.log
    assert not processes_running(seconds)
    second = serve()
    left = second.until(waiting["id"], *ENDED)
    assert left["state"] == "done", left
    states = [second.get(f"/v1/runs/{run['id']}").json()["state"] for run in (short, long)]
    assert states == ["done", "interrupted"]


def test_told_twice_it_ends_at_once_and_nothing_outlives_it(serve: Serve) -> None:
    server, seconds = serve("--grace", "100"), a_long_sleep()
    run = server.run(hang(seconds), wait=False)
    assert wait_until(lambda: processes_running(seconds))
    server.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: not answers(server))
    time.sleep(1)  # by now it waits for nothing but the run: then the second signal was not heard
    assert server.stop(signal.SIGINT, seconds=20) == 0, server.log
    assert wait_until(lambda: not processes_running(seconds), 15)
    assert serve().get(f"/v1/runs/{run['id']}").json()["state"] == "interrupted"


def test_told_twice_at_once_whoever_waits_for_a_run_is_told(serve: Serve) -> None:
    server, seconds = serve("--grace", "100"), a_long_sleep()
    told: list[httpx2.Response] = []

    def wait() -> None:
        told.append(
            httpx2.post(f"{server.url}/v1/runs", json=hang(seconds), headers={"Prefer": "wait"}, timeout=60)
        )

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert wait_until(lambda: processes_running(seconds))
    server.process.send_signal(signal.SIGTERM)
    assert server.stop(signal.SIGINT, seconds=20) == 0, server.log
    waiting.join()
    assert (told[0].status_code, told[0].json()["detail"]) == (503, "the run was interrupted")
    assert wait_until(lambda: not processes_running(seconds))


def test_from_when_it_says_that_it_listens_it_hears(serve: Serve) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        assert serve().stop(number) == 0


def answers(server: Server) -> bool:
    """Whether a new connection is taken."""
    try:
        return httpx2.get(f"{server.url}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def test_while_it_stops_streams_end_and_whoever_waits_is_told(serve: Serve) -> None:
    server, seconds = serve("--workers", "1", "--grace", "0"), a_long_sleep()
    told: dict[str, httpx2.Response] = {}
    with httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as other:

        def wait(name: str, body: dict[str, object]) -> None:
            told[name] = other.post("/v1/runs", json=body, headers={"Prefer": "wait"})

        running = threading.Thread(target=wait, args=("running", hang(seconds)))
        running.start()
        assert wait_until(lambda: processes_running(seconds))
        waiting = threading.Thread(target=wait, args=("waiting", QUICK))
        waiting.start()
        assert wait_until(lambda: server.get("/readyz").json()["waiting"] == 1)
        (run,) = server.get("/v1/runs", params={"state": "running"}).json()["runs"]
        with other.stream("GET", run["links"]["events"]) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            server.process.send_signal(signal.SIGTERM)
            assert list(lines)
        running.join()
        waiting.join()
    assert server.stop() == 0
    assert (told["running"].status_code, told["waiting"].status_code) == (503, 202)
    assert told["running"].json()["detail"] == "the run was interrupted"


def test_killed_under_load_and_restarted_every_accepted_run_is_accounted_for(serve: Serve) -> None:
    first = serve("--workers", "2", "--queue", "64", "--rate", "1000")
    accepted: list[str] = []

    def load() -> None:
        with httpx2.Client(base_url=first.url, timeout=10, trust_env=False) as client:
            for _ in range(100):
                try:
                    answer = client.post("/v1/runs", json=QUICK)
                except httpx2.TransportError:
                    return
                if answer.status_code == 202:
                    accepted.append(answer.json()["id"])
                time.sleep(0.02)

    sleeps = (a_long_sleep(), a_long_sleep())
    accepted += [first.run(hang(seconds), wait=False)["id"] for seconds in sleeps]
    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    assert wait_until(lambda: len(accepted) >= 10 and all(map(processes_running, sleeps)))
    first.process.kill()
    for client in clients:
        client.join()
    assert wait_until(lambda: not any(map(processes_running, sleeps)), 10)
    second = serve("--workers", "2", "--rate", "1000")
    kept = {run["id"]: run["state"] for run in everything(second)}
    assert set(accepted) <= set(kept) and len(set(accepted)) == len(accepted)
    assert [state for state in kept.values() if state == "interrupted"] == ["interrupted"] * 2
    left = [run_id for run_id, state in kept.items() if state == "queued"]
    for run_id in left[8:]:  # a few are enough to see that they are taken up; the others end without being run
        second.post(f"/v1/runs/{run_id}/cancel")
    assert wait_until(lambda: {run["state"] for run in everything(second)} <= set(ENDED), 240)
    assert sum(run["state"] == "done" for run in everything(second)) >= 3


def everything(server: Server) -> list[dict[str, str]]:
    found: list[dict[str, str]] = server.get("/v1/runs", params={"limit": 200}).json()["runs"]
    return found


def test_two_servers_do_not_share_their_jobs(serve: Serve, tmp_path: Path) -> None:
    first = serve()
    with pytest.raises(AssertionError, match="another `torre serve` works on these jobs"):
        serve()
    first.stop()
    assert serve().get("/readyz").status_code == 200
