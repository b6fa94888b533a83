"""The document that is checked in is the one that is served, and the server does what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import BIN, Server, start, torre

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "openapi.json"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,negative_data_rejection,missing_required_header,ignored_auth"
)


@pytest.fixture(scope="module")
def key(env: dict[str, str]) -> str:
    scopes = ("--scope", "read", "--scope", "run", "--scope", "apply")
    made: str = json.loads(torre(env, "keys", "create", "all", *scopes, "--json").stdout)["key"]
    return made


@pytest.fixture(scope="module")
def server(roots: Path, env: dict[str, str], key: str) -> Iterator[Server]:
    running = start(
        roots, env, "--workers", "1", "--queue", "1", "--rate", "1000", "--max-run", "30", "--grace", "0"
    )
    running.client.headers["Authorization"] = f"Bearer {key}"
    yield running
    running.stop()


def test_the_published_document_is_the_one_that_is_served(server: Server, env: dict[str, str]) -> None:
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert server.get("/openapi.json").json() == published, "torre schema openapi > docs/schema/openapi.json"
    assert json.loads(torre(env, "schema", "openapi").stdout) == published


@pytest.mark.parametrize("command", [["serve"], ["schema", "openapi"]])
def test_without_the_extra_the_command_says_what_to_install(command: list[str]) -> None:
    begin = f"import sys; sys.modules['uvicorn'] = None; sys.argv[1:] = {command}"
    program = f"{begin}; import llm.cli; sys.exit(llm.cli.main())"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert (
        done.returncode == 2 and "needs uvicorn: install the extra, pip install 'torre-llm[server]'" in done.stderr
    )


def test_whatever_is_asked_the_answer_is_one_that_the_document_tells_of(
    server: Server, key: str, tmp_path: Path
) -> None:
    options = ("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "20")
    asked = ("--request-timeout", "60", "--header", f"Authorization: Bearer {key}", "--no-color", "--workers", "1")
    argv = [str(BIN / "st"), "run", f"{server.url}/openapi.json", *options, *asked]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280)
    paths = json.loads(PUBLISHED.read_text("utf-8"))["paths"]
    operations = sum(
        len(methods) for path, methods in paths.items() if path != "/openapi.json"
    )  # it read that one
    assert done.returncode == 0, done.stdout
    assert f"Tested: {operations}" in done.stdout, done.stdout[-2000:]
