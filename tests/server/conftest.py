"""A real server process on a free port, a real client, and workspaces that Torre can repair."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

BIN = Path(sys.executable).parent
RED = "import os\n\nVALUE = 1\n"
"""What `ruff check` complains about, and Torre's own fixer mends."""
CHECK = "ruff check --isolated --select F401 app.py"
ENDED = ("done", "failed", "cancelled", "interrupted")
_READY_S = 30.0
_ADDRESS = re.compile(r"listening on (http://\S+),")


@dataclass
class Server:
    """A running `torre serve`."""

    process: subprocess.Popen[str]
    url: str
    client: httpx2.Client
    log: list[str] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.client.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        if body is not None:
            options["json"] = body
        return self.client.post(path, **options)

    def run(self, body: Mapping[str, Any], wait: bool = True) -> dict[str, Any]:
        """A run that is accepted; done, if it is waited for."""
        answer = self.post("/v1/runs", body, headers={"Prefer": "wait"} if wait else {})
        assert answer.status_code == (200 if wait else 202), answer.text
        told: dict[str, Any] = answer.json()
        return told

    def until(self, run_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        """The run, as soon as it is in one of these states."""
        end = time.monotonic() + seconds
        while True:
            told: dict[str, Any] = self.get(f"/v1/runs/{run_id}").json()
            if told["state"] in states:
                return told
            assert time.monotonic() < end, told
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 150) -> int:
        """End it by a signal; its exit code."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=seconds)
        self.log.append(rest)
        return self.process.returncode


Serve = Callable[..., Server]


def environment(home: Path, **extra: str) -> dict[str, str]:
    """A user's with nothing of this run's own, and configuration and state of their own."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "USER") if name in os.environ}
    own = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**kept, **own, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def start(root: Path, env: Mapping[str, str], *arguments: str) -> Server:
    """Serve the workspaces under `root`, from the moment that it listens."""
    return listening(env, "--root", str(root), *arguments)


def listening(env: Mapping[str, str], *arguments: str) -> Server:
    """`torre serve` with these arguments, from the moment that it listens."""
    argv = [str(BIN / "torre"), "serve", "--port", "0", *arguments]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(env))
    assert process.stderr is not None
    log: list[str] = []
    for line in process.stderr:
        log.append(line)
        if found := _ADDRESS.search(line):
            url = found[1].replace("0.0.0.0", "127.0.0.1")
            return Server(process, url, httpx2.Client(base_url=url, timeout=90, trust_env=False), log)
    raise AssertionError("".join(log) + process.communicate()[0])


def torre(env: Mapping[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command line of the same user."""
    argv = [str(BIN / "torre"), *arguments]
    return subprocess.run(
        argv, env=dict(env), input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


def project(root: Path, name: str = "app", text: str = RED) -> Path:
    """A workspace of its own under `root`."""
    place = root / name
    place.mkdir(parents=True)
    (place / ".git").mkdir()
    (place / "app.py").write_text(text)
    return place


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's own directory, and under `roots` the workspaces."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "roots").mkdir()
    return folder


@pytest.fixture(scope="module")
def roots(home: Path) -> Path:
    return home / "roots"


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    return environment(home)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers for one test; whatever it leaves is ended."""
    started: list[Server] = []

    def begin(*arguments: str, user: Path = tmp_path, root: Path = tmp_path / "roots", **extra: str) -> Server:
        root.mkdir(exist_ok=True)
        started.append(start(root, environment(user, **extra), *arguments))
        return started[-1]

    yield begin
    for server in started:
        server.client.close()
        server.process.kill()
        server.process.communicate()
