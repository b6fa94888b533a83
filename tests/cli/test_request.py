"""The stdin contract's door: what is accepted, and how each refusal names the field."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from llm.errors import InputError
from llm.request import read_request


def raw(data: Any) -> bytes:
    return json.dumps(data).encode()


def test_the_seeds_own_request() -> None:
    request = read_request(raw({"logs": {"types": "TS2307"}, "files": {"src/App.tsx": "console.log(1)"}}))
    assert request.logs == {"types": "TS2307"} and request.workspace is None
    uuid.UUID(request.trace_id)


def test_everything_at_once() -> None:
    given = str(uuid.uuid4())
    asset = {"a.png": {"media_type": "image/png", "base64": "aGk="}}
    request = read_request(
        raw({"workspace": "/w", "checks": ["pytest -q"], "assets": asset, "meta": {"x": 1}, "trace_id": given}),
        max_seconds=3.0,
    )
    assert request.workspace == Path("/w") and request.checks == ("pytest -q",)
    assert request.trace_id == given and request.max_seconds == 3.0 and request.assets == asset


REFUSED = [
    (b"", "stdin", "nothing was given"),
    (b"  \n", "stdin", "nothing was given"),
    (b'{"logs": {', "stdin", "line 1 column"),
    (b"\xff\xfe{}", "stdin", "UTF-8 at byte 0"),
    (b"[1]", "stdin", "a list"),
    (b"[" * 100_000, "stdin", "nested too deeply"),
    (b'{"logs": {}, "logs": {}}', "logs", "twice"),
    (raw({}), "", "one of `logs`, `files`, `workspace`"),
    (raw({"logs": {}}), "", "one of `logs`, `files`, `workspace`"),
    (raw({"log": {"a": "b"}}), "log", "did you mean `logs`?"),
    (raw({"zzzzz": 1}), "zzzzz", "valid are logs, files"),
    (raw({"logs": "text"}), "logs", "expected an object, got a string"),
    (raw({"logs": {"types": 7}}), "logs.types", "expected a string, got a number"),
    (raw({"files": {"a.py": None}}), "files.a.py", "got null"),
    (b'{"files": {"a.py": "\\ud800"}}', "files.a.py", "lone surrogate"),
    (raw({"workspace": 3}), "workspace", "expected a string"),
    (raw({"workspace": "a\0b"}), "workspace", "expected a path"),
    (raw({"workspace": "/w", "checks": "pytest"}), "checks", "expected a list"),
    (raw({"workspace": "/w", "checks": ["ok", 1]}), "checks[1]", "expected a string"),
    (raw({"workspace": "/w", "checks": [" "]}), "checks[0]", "expected a command"),
    (raw({"workspace": "/w", "trace_id": "x"}), "trace_id", "expected a UUID"),
    (raw({"workspace": "/w", "meta": []}), "meta", "expected an object, got a list"),
    (raw({"workspace": "/w", "meta": {"allow": ["x"]}}), "meta.allow", "expected an object, got a list"),
    (raw({"workspace": "/w", "meta": {"allow": {"path": []}}}), "meta.allow.path", "did you mean `paths`?"),
    (raw({"workspace": "/w", "meta": {"allow": {"paths": "x"}}}), "meta.allow.paths", "a list of globs"),
    (raw({"workspace": "/w", "meta": {"allow": {"paths": [1]}}}), "meta.allow.paths", "a list of globs"),
    (raw({"workspace": "/w", "meta": {"allow": {"suppressions": 1}}}), "meta.allow.suppressions", "a boolean"),
    (
        raw({"workspace": "/w", "assets": {"a": {"media_type": "x", "base64": "!"}}}),
        "assets.a.base64",
        "not base64",
    ),
]


@pytest.mark.parametrize(("given", "field", "words"), REFUSED, ids=lambda v: str(v)[:30])
def test_a_refusal_names_the_field(given: bytes, field: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_request(given)
    assert caught.value.field == field and words in str(caught.value) and caught.value.exit_code == 2
