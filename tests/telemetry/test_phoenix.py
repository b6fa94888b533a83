"""The trace of a run in a real backend, read back through its API. Opt-in by TORRE_PHOENIX=1: it installs Arize
Phoenix from PyPI into a directory of its own, some 600 MB."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.e2e.provider_runs import User
from tests.providers.servers import Llmock, free_port
from tests.telemetry.conftest import LANE, second_answer

pytestmark = pytest.mark.skipif(not os.environ.get("TORRE_PHOENIX"), reason="opt-in: TORRE_PHOENIX=1")
BIN = Path(sys.executable).parent
PHOENIX = "arize-phoenix==20.26.1"
_READY_S = 180.0


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("phoenix")
    python = home / "venv" / "bin" / "python"
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, home / "venv"], check=True)
    subprocess.run([BIN / "uv", "pip", "install", "--quiet", "--python", python, PHOENIX], check=True)
    port = free_port()
    own = {"PHOENIX_WORKING_DIR": str(home), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port)}
    own |= {"PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_TELEMETRY_ENABLED": "false"}
    argv = [str(python), "-m", "phoenix.server.main", "serve"]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ | own) as server,
    ):
        try:
            _until_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def _until_ready(url: str) -> None:
    end = time.monotonic() + _READY_S
    while True:
        assert time.monotonic() < end, "Phoenix does not come up"
        with contextlib.suppress(URLError, OSError):
            urlopen(f"{url}/healthz", timeout=2).close()
            return
        time.sleep(0.5)


def _spans(url: str, trace: str) -> list[dict[str, Any]]:
    """The spans of one trace, as soon as they can be read back."""
    end = time.monotonic() + 30
    while True:
        with urlopen(f"{url}/v1/projects/default/spans?limit=1000", timeout=10) as answer:
            told = json.load(answer)["data"]
        found = [span for span in told if span["context"]["trace_id"] == trace]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.5)


def test_phoenix_shows_the_run_with_its_calls(user: User, red: Path, llmock: Llmock, phoenix: str) -> None:
    second_answer(user, llmock)
    endpoint = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{phoenix}/v1/traces"}
    ran = user.torre(*LANE, cwd=red, OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai_latest_experimental", **endpoint)
    assert (ran.exit_code, "telemetry" in ran.stderr) == (0, False), ran.stderr
    spans = _spans(phoenix, ran.json()["trace_id"].replace("-", ""))
    ids = {span["context"]["span_id"]: span for span in spans}
    (root,) = [span for span in spans if not span["parent_id"]]
    assert root["name"] == "torre.fix" and all(s["parent_id"] in ids for s in spans if s is not root)
    calls = [span for span in spans if span["name"] == "chat coder-9"]
    assert [ids[call["parent_id"]]["name"] for call in calls] == ["torre.ask", "torre.ask"]
    rows = user.attempts(red)
    told = sorted(call["attributes"]["gen_ai.usage.output_tokens"] for call in calls)
    assert told == sorted(row["tokens_out"] for row in rows)
    assert {call["attributes"]["gen_ai.provider.name"] for call in calls} == {"openai"}
    print(f"{len(spans)} spans in Phoenix, {len(calls)} calls to a lane")
