"""Each example of docs/extend.md is put into a copy of Torre as the one file that it says, and is used."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.docs.pages import Page
from tests.e2e.conftest import REPOSITORY, TIMEOUT_S, Ran, environment
from tests.e2e.provider_runs import CHECK, FILES, GREEN, STAGES, whole
from tests.providers.servers import RawServer

PAGE = Page(REPOSITORY / "docs" / "extend.md")
_PLACE = re.compile(r"# (llm/\S+\.py)\n")
SCRIPT = "#!/bin/sh\ncp $1 $2\n"
SHELL = {"copy.sh": SCRIPT, ".shellcheckrc": ""}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n"


def examples() -> dict[str, str]:
    """Where each example belongs → its text."""
    blocks = [block.text for block in PAGE.of("python")]
    placed = [_PLACE.match(text) for text in blocks]
    assert all(placed), "an example does not say where it belongs"
    return {found[1]: text[found.end() :] for found, text in zip(placed, blocks, strict=True) if found}


class Copy:
    """A Torre of its own with some of the examples in it, and a user with a policy."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.home = folder
        shutil.copytree(REPOSITORY / "llm", folder / "copy" / "llm")
        for place, text in files.items():
            target = folder / "copy" / place
            assert not target.exists(), f"{place} is Torre's own"
            target.write_text(text)

    def torre(self, *arguments: str, cwd: Path) -> Ran:
        config = {"XDG_CONFIG_HOME": str(self.home / "config"), "PYTHONPATH": str(self.home / "copy")}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "llm.cli", *arguments],
            cwd=cwd,
            env=environment(self.home / "state", ACME_KEY="a-key", **config),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("extended"), examples())


def project(place: Path, files: Mapping[str, str]) -> Path:
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text)
    return place


def test_the_examples_are_as_clean_as_the_code(copy: Copy) -> None:
    config = REPOSITORY / "pyproject.toml"
    places = [str(copy.home / "copy" / place) for place in examples()]
    for words in (["check"], ["format", "--check"]):
        argv = [
            str(Path(sys.executable).with_name("ruff")),
            *words,
            "--no-cache",
            "--config",
            str(config),
            *places,
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_check_is_found_and_its_fixer_mends_what_it_finds(copy: Copy, tmp_path: Path) -> None:
    place = project(tmp_path / "project", SHELL)
    (found,) = copy.torre("checks", "--json", cwd=place).json()["checks"]
    assert (found["tool"], found["command"]) == ("shellcheck", "shellcheck copy.sh")
    ran = copy.torre("fix", "--json", cwd=place)
    answer = ran.json()
    assert (ran.exit_code, answer["mode"]) == (0, "PATCH"), ran.stdout + ran.stderr
    assert '+cp "$1" "$2"' in answer["diff"]


def test_without_the_two_files_there_is_neither(tmp_path: Path) -> None:
    place = project(tmp_path / "project", SHELL)
    done = Copy(tmp_path / "bare", {}).torre("checks", "--json", cwd=place)
    assert done.json()["checks"] == []


def test_a_log_format_is_read(copy: Copy, tmp_path: Path) -> None:
    log = "copy.sh:2:4: note: Double quote to prevent globbing and word splitting. [SC2086]\n"
    place = project(tmp_path / "project", {"red.log": log})
    told = copy.torre("policy", "explain", "--log", "red.log", "--json", cwd=place).json()["decisions"]
    assert [decision["stage"] for decision in told] == ["style"]
    assert "shellcheck" in told[0]["stage_reason"]


def test_a_form_of_the_result_and_a_command_are_offered(copy: Copy, tmp_path: Path) -> None:
    place = project(tmp_path / "project", SHELL)
    ran = copy.torre("fix", "--format", "one_line", cwd=place)
    assert ran.exit_code == 0 and ran.stdout.startswith("PATCH ") and ran.stdout.count("\n") == 1
    assert copy.torre("hello", cwd=place).stdout == "hello\n"
    assert "say hello" in copy.torre("--help", cwd=place).stdout


def test_a_protocol_of_its_own_is_a_lane(copy: Copy, tmp_path: Path, raw: RawServer) -> None:
    """A lane that speaks it mends what no fixer can, under a policy that names it."""
    said = [{"text": whole(GREEN)}, {"done": True, "tokens_in": 100, "tokens_out": 50}]
    raw.script = _saying(HEAD + b"".join(json.dumps(each).encode() + b"\n" for each in said))
    row = {"protocol": "acme", "model": "coder-2", "base_url": raw.url, "api_key_env": "ACME_KEY", "price": "free"}
    lane = "acme/coder"
    policy = {"allowed": [lane], "models": {lane: row}, "routes": {stage: [lane] for stage in STAGES}}
    own = copy.home / "config" / "torre" / "providers.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(policy))
    place = project(tmp_path / "project", FILES)
    ran = copy.torre("fix", "--providers", "--json", "--max-seconds", "0", "--check", CHECK, cwd=place)
    answer = ran.json()
    assert (ran.exit_code, answer["mode"]) == (0, "PATCH"), ran.stdout + ran.stderr
    assert answer["metrics"]["providers"]["selected"]["provider"] == lane
    assert answer["metrics"]["trace"]["tokens_out"] == 50
    assert b"authorization: bearer a-key" in raw.requests[0].lower()


def test_a_protocol_that_nobody_added_is_refused_by_its_place(tmp_path: Path) -> None:
    row = {"protocol": "acme", "model": "m", "base_url": "https://api.acme.example"}
    place = project(tmp_path / "project", {"policy.yaml": json.dumps({"models": {"acme/coder": row}})})
    done = Copy(tmp_path / "bare", {}).torre("policy", "check", "policy.yaml", cwd=place)
    assert done.exit_code == 2
    assert "$.models.acme/coder.protocol: no such protocol" in done.stderr


def _saying(answer: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.close()

    return script
