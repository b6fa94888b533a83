"""What a collector cannot do to a run, and what a checkout cannot do to its telemetry."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Ran
from tests.e2e.provider_runs import User, ended
from tests.providers.servers import free_port
from tests.telemetry.collector import Collector
from tests.telemetry.conftest import QUICK

SLACK_S = 5.0
"""For a busy machine; the limit itself is two seconds, and who hangs here would hang for good."""


def run(user: User, place: Path, **variables: str) -> tuple[float, Ran, list[str]]:
    """How long it took, how it ended, and what it said of telemetry."""
    began = time.monotonic()
    ran = user.torre(*QUICK, cwd=place, **variables)
    took = time.monotonic() - began
    assert ran.exit_code == 0 and ran.json()["exit_code"] == 0, ran.stderr
    return took, ran, [line for line in ran.stderr.splitlines() if "telemetry" in line or "Traceback" in line]


def test_a_collector_that_hangs_is_left_after_the_answer_is_out(user: User, quick: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # connections are made, and nobody ever reads
        silent = f"127.0.0.1:{taken.getsockname()[1]}"
        process = user.start(*QUICK, cwd=quick, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{silent}")
        assert process.stdout is not None
        answer, out_at = json.loads(process.stdout.readline()), time.monotonic()
        assert (answer["exit_code"], process.poll()) == (0, None)
        ran = ended(process)
    assert 1 < time.monotonic() - out_at < 2 + SLACK_S
    assert ran.exit_code == 0
    assert ran.stderr.splitlines()[-1] == f"torre: telemetry was not exported: {silent}: no answer within 2 s"


def test_a_collector_that_is_down_is_named_without_its_password(
    user: User, quick: Path, collector: Collector
) -> None:
    usual, _, said = run(user, quick, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert said == [] and collector.arrived
    down = f"127.0.0.1:{free_port()}"
    took, _, said = run(user, quick, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://who:pa55word@{down}")
    assert said == [f"torre: telemetry was not exported: {down}: nobody answers"]
    assert took < usual + SLACK_S


@pytest.mark.parametrize("status", [500, 503])
def test_a_collector_that_refuses(user: User, quick: Path, collector: Collector, status: int) -> None:
    collector.answer = lambda: status
    took, _, said = run(user, quick, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert said == [f"torre: telemetry was not exported: {collector.place}: HTTP {status}"]
    assert collector.arrived and took < 2 + 2 * SLACK_S


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf is spoken, not grpc"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "no url"}, "nobody answers"),
        (
            {
                "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere.pem",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9",
            },
            "",
        ),
    ],
)
def test_variables_that_make_no_sense_fail_no_run(
    user: User, quick: Path, collector: Collector, variables: dict[str, str], said: str
) -> None:
    _, _, lines = run(user, quick, **{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **variables})
    assert len(lines) == 1 and said in lines[0], lines
    assert collector.arrived == []


def test_a_checkout_can_neither_switch_it_on_nor_say_where_to(
    user: User, quick: Path, collector: Collector
) -> None:
    wanted = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    }
    lines = "".join(f"{name}={value}\n" for name, value in wanted.items())
    for name in (".env", ".torre/.env", ".envrc", "otel.env", "setup.cfg"):
        (quick / name).parent.mkdir(exist_ok=True)
        (quick / name).write_text(lines if name != "setup.cfg" else f"[torre]\n{lines}")
    exports = "".join(f"import os; os.environ[{name!r}] = {value!r}\n" for name, value in wanted.items())
    for name in ("sitecustomize.py", "usercustomize.py", "opentelemetry.py", "requests.py"):
        (quick / name).write_text(exports)
    _, _, said = run(user, quick)
    assert (said, collector.arrived) == ([], [])
    for policy in ("telemetry: {endpoint: x}\n", "env: {OTEL_EXPORTER_OTLP_ENDPOINT: x}\n"):
        (quick / ".torre" / "providers.yaml").write_text(policy)
        assert user.torre(*QUICK, cwd=quick).exit_code == 2  # a policy has no such key
    (quick / ".torre" / "providers.yaml").unlink()
    assert collector.arrived == []
    run(user, quick, **wanted)  # the same, by the user: there it is
    assert len(collector.arrived) == 2


def test_a_check_sees_nothing_of_the_users_telemetry(user: User, quick: Path, collector: Collector) -> None:
    token = "bearer-of-the-collector"
    ran = user.torre(
        *("fix", "--json", "--check", "env; exit 1", "--max-seconds", "0"),
        cwd=quick,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization={token}",
    )
    assert {each.headers["authorization"] for each in collector.arrived} == {token}
    assert "PATH=" in ran.stdout and "OTEL" not in ran.stdout and token not in ran.stdout
