"""A real server with a run behind it, scraped every second by a real Prometheus."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import yaml

from tests.e2e.provider_runs import CHECK, FILES, GREEN, WRONG, whole
from tests.providers.servers import free_port
from tests.server.conftest import Server, environment, start, torre

LANE, MODEL = "acme/coder", "coder-1"
_STAGES = ("types", "build", "tests", "style", "docs", "general")
_READY_S = 180.0
_LOG = "prometheus.log"


@dataclass(frozen=True)
class Prometheus:
    """Its HTTP API, and the server that it scrapes with `key`. `runs` are the ids of what that server ran."""

    url: str
    server: Server
    key: str
    runs: tuple[str, ...]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What a PromQL expression is now: labels and value of each series. HTTPError for one that is none."""
        return query(self.url, expression)

    def exposition(self) -> str:
        return self.server.get("/metrics", headers={"Authorization": f"Bearer {self.key}"}).text


def query(url: str, expression: str) -> list[tuple[dict[str, str], float]]:
    with urlopen(f"{url}/api/v1/query?{urlencode({'query': expression})}", timeout=5) as answer:
        told = json.load(answer)
    assert told["status"] == "success", told
    return [(each["metric"], float(each["value"][1])) for each in told["data"]["result"]]


@contextlib.contextmanager
def scraped(home: Path) -> Iterator[Prometheus]:
    """A server whose keys are made, after one run that asked its lane twice."""
    env = environment(home, PROVIDERS_V1="1")
    _policy(home)
    made = (torre(env, "keys", "create", scope, "--scope", scope, "--json") for scope in ("read", "run"))
    read, run = (json.loads(each.stdout)["key"] for each in made)
    roots = home / "roots"
    roots.mkdir()
    server = start(roots, env)
    try:
        with _prometheus(home, server.url, read) as url:
            body = {"files": FILES, "checks": [CHECK]}
            headers = {"Authorization": f"Bearer {run}", "Prefer": "wait"}
            ran = server.post("/v1/runs?max_seconds=0", body, headers=headers).json()
            assert ran["result"]["mode"] == "PATCH", ran
            _until_scraped_twice(url, home)
            yield Prometheus(url, server, read, (ran["id"],))
    finally:
        server.stop()


def _policy(home: Path) -> None:
    said = [{"text": whole(text), "tokens_in": 1000, "tokens_out": 500} for text in (WRONG, GREEN)]
    answers = home / "answers.json"
    answers.write_text(json.dumps(said))
    own = home / "config" / "torre" / "providers.yaml"
    own.parent.mkdir(parents=True)
    price = {"input": 2, "output": 8}
    lane = {"protocol": "replay", "model": MODEL, "base_url": f"replay://{answers}", "price": price}
    quotas = {LANE: {"daily_calls": 4}}
    routes = {stage: [LANE] for stage in _STAGES}
    own.write_text(json.dumps({"allowed": [LANE], "quotas": quotas, "models": {LANE: lane}, "routes": routes}))


def _job(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [urlsplit(url).netloc]}], **more}


@contextlib.contextmanager
def _prometheus(home: Path, url: str, key: str) -> Iterator[str]:
    program = shutil.which("prometheus")
    assert program, "prometheus is not installed: make test-tools"
    secret, config = home / "key", home / "prometheus.yml"
    secret.write_text(key)
    jobs = [
        _job("torre", url, authorization={"credentials_file": str(secret)}),
        _job("without a key", url),
    ]
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    own = f"127.0.0.1:{free_port()}"
    argv = [program, f"--config.file={config}", f"--storage.tsdb.path={home / 'tsdb'}"]
    argv += [f"--web.listen-address={own}", "--log.level=warn"]
    with (home / _LOG).open("w") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            yield f"http://{own}"
        finally:
            process.kill()


def _until_scraped_twice(url: str, home: Path) -> None:
    """With the run in it: a rate needs two samples."""
    end = time.monotonic() + _READY_S
    while True:
        assert time.monotonic() < end, (home / _LOG).read_text()
        with contextlib.suppress(URLError, OSError):
            scrapes = query(url, "count_over_time(torre_calls_total[1m])")
            if scrapes and all(count >= 2 for _, count in scrapes):
                return
        time.sleep(0.1)
