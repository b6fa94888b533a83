"""Over TLS, as every vendor is reached: the same deadlines, and a certificate that must be right."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.servers import DIALECTS, STREAM_HEAD, RawServer
from tests.providers.wires import KEY

ASK = """
import json, sys, time
from tests.providers.wires import asking, warm_wire
from llm.providers.base import ProviderFailure
wire = warm_wire("openai")
for limit in (60.0, 3.0):
    started = time.monotonic()
    try:
        told = wire.ask(asking(sys.argv[1], first_byte_s=limit, total_s=limit)).text
    except ProviderFailure as failure:
        told = failure.cause
    print(json.dumps([told, time.monotonic() - started]))
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*request, *names, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


def answers(url: str, **env: str) -> list[tuple[str, float]]:
    """What two calls brought, and how long each took, in a process with its own certificates."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, url], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_a_stream_and_a_stall_over_tls(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    openai = DIALECTS["openai"]
    with RawServer(context=context) as raw:

        def script(connection: socket.socket) -> None:
            connection.sendall(STREAM_HEAD)
            if len(raw.requests) > 1:
                raw.hang_until_gone(connection)
            connection.sendall(openai.text("over tls") + openai.ending)
            connection.shutdown(socket.SHUT_RDWR)

        raw.script = script
        url = raw.base("openai").replace("http://127.0.0.1", "https://localhost")
        (text, _), (stalled, took_s) = answers(url, SSL_CERT_FILE=f"{certificate}.crt")
        assert (text, stalled) == ("over tls", "timeout")
        assert took_s < 4.1
        assert raw.gone.wait(2)
        unknown, _ = answers(url)[0]
        assert unknown == "unreachable"
        assert len([request for request in raw.requests if KEY.encode() in request]) == 2
