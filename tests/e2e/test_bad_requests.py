"""Requests on stdin that are wrong, huge or odd: each ends in the documented exit code and names the thing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Torre

FILES = {"app.py": "x = 1\n"}
# What another program left on the way: three bytes that are no UTF-8.
NOT_TEXT = b'{"files": {"a": "\xff\xfe\xfd"}}'

REFUSED: list[tuple[object, str]] = [
    ("", "stdin"),
    (" \n\t", "stdin"),
    ('{"files": {"a.py": "x"', "line 1 column"),
    ("[1, 2]", "a list"),
    ("null", "null"),
    (NOT_TEXT, "not UTF-8"),
    ("[" * 100_000, "stdin"),
    ({}, "`workspace`"),
    ({"logs": {}, "files": {}}, "`files`"),
    ({"logs": "red"}, "logs"),
    ({"logs": {"types": 3}}, "logs.types"),
    ({"files": ["a.py"]}, "files"),
    ({"files": {"a.py": None}}, "files.a.py"),
    ({"files": {"a.py": "\ud800"}}, "files.a.py"),
    ({"files": FILES, "checks": "pytest"}, "checks"),
    ({"files": FILES, "checks": ["true", 7]}, "checks[1]"),
    ({"files": FILES, "checks": [" "]}, "checks[0]"),
    ({"workspace": 5}, "workspace"),
    ({"workspace": ""}, "workspace"),
    ({"files": FILES, "meta": []}, "meta"),
    ({"files": FILES, "context": "x"}, "context"),
    ({"files": FILES, "trace_id": "not-a-uuid"}, "trace_id"),
    ({"files": FILES, "assets": {"shot.png": "data"}}, "assets.shot.png"),
    (
        {"files": FILES, "assets": {"shot.png": {"media_type": "image/png", "base64": "?"}}},
        "assets.shot.png.base64",
    ),
    ({"flies": FILES}, "`files`"),
    ({"files": FILES, "work_space": "."}, "`workspace`"),
    ('{"files": {"a.py": ""}, "files": {}}', "twice"),
    ({"files": {"../evil.py": "x"}}, "../evil.py"),
    ({"files": {"a/../../evil.py": "x"}}, "a/../../evil.py"),
    ({"files": {"/evil.py": "x"}}, "/evil.py"),
    ({"files": {"C:\\evil.py": "x"}}, "evil.py"),
    ({"files": {".git/hooks/pre-commit": "x"}}, ".git/hooks/pre-commit"),
    ({"files": {"": "x"}}, "files"),
    ({"files": {"a": "x", "a/b": "y"}}, "a/b"),
]


@pytest.mark.parametrize(("request_", "named"), REFUSED, ids=[named for _, named in REFUSED])
def test_is_refused_by_name(ask: Torre, tmp_path: Path, request_: object, named: str) -> None:
    ran = ask(request_)
    answer = ran.json()
    assert ran.exit_code == 2
    assert named in json.dumps(answer["error"], ensure_ascii=False).replace("\\\\", "\\")
    assert "mode" not in answer
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"], "something was written"
    assert "Traceback" not in ran.stderr


def test_the_dash_means_stdin_as_well(torre: Torre, tmp_path: Path) -> None:
    ran = torre("fix", "-", stdin='{"flies": {}}', cwd=tmp_path)
    assert (ran.exit_code, "`files`" in json.dumps(ran.json())) == (2, True)


def _mypy_log(size: int) -> str:
    line = 'src/app/models.py:{0}: error: Incompatible return value type (got "int", expected "str")  [misc]\n'
    return "".join(line.format(number) for number in range(1, size // len(line)))


@pytest.mark.parametrize(
    "log", [_mypy_log(10 << 20), "E" * (10 << 20), "\n" * (10 << 20)], ids=["lines", "one", "none"]
)
def test_ten_megabytes_of_log(ask: Torre, log: str) -> None:
    started = time.monotonic()
    ran = ask({"logs": {"build": log}, "files": FILES})
    assert ran.exit_code == 1
    assert ran.json()["mode"] == "ADVISORY"
    assert time.monotonic() - started < 30
    assert len(ran.stdout) < 1 << 20, "the report is not as long as the log"


def test_a_log_alone_is_triaged(ask: Torre) -> None:
    ran = ask({"logs": {"ci": "src/App.tsx(3,8): error TS2307: Cannot find module './Nav'."}})
    answer = ran.json()
    assert ran.exit_code == 1
    assert answer["report"]["stage"] == "types"
    assert "--check" in answer["report"]["summary"]


def _holds(ask: Torre, name: str, content: str) -> dict[str, Any]:
    """Ask with one file and a check that is green only if it is there, under exactly this name."""
    quoted = "'" + name.replace("'", "'\\''") + "'"
    ran = ask({"files": {name: content}, "checks": [f"test -f {quoted}"]})
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    return ran.json()


@pytest.mark.parametrize(
    "name", ["with space/a b.py", "módulo/été.py", "new\nline.py", "-dash.py", "a'b.py", "日本.txt"]
)
def test_odd_names_are_names(ask: Torre, name: str) -> None:
    report = _holds(ask, name, "x = 1\n")["report"]
    assert report["nothing_red"] is True


def test_control_characters_in_a_file_are_content(ask: Torre) -> None:
    assert _holds(ask, "logo.bin", "\x00\x01\x7f\r\n\x1b[31m")["report"]["nothing_red"] is True


def test_meta_takes_anything(ask: Torre) -> None:
    ran = ask({"files": FILES, "checks": ["true"], "meta": {"anything": [{"deep": None}]}})
    assert ran.exit_code == 0
