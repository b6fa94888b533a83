"""The protocol server with the answers that these tests are about, started once a worker, on a free port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.servers import AIMOCK, Aimock, aimock_server

PROSE = "I looked at the file and I think it is fine as it is."
UNICODE = "naïve ✓ 日本語 🎉 👩‍👩‍👧 \u2028 end"
LONG = "long line of an answer\n" * 230_000
ANSWERS = {
    "plain": {"content": "a plain answer"},
    "prose": {"content": PROSE},
    "unicode": {"content": UNICODE},
    "empty": {"content": ""},
    "long": {"content": LONG},
    "length": {"content": "cut by the limit", "finishReason": "length"},
    "counted": {
        "content": "counted",
        "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 18,
            "input_tokens": 11,
            "output_tokens": 7,
        },
    },
    "refused": {"error": {"message": "Rate limited", "type": "rate_limit_error"}, "status": 429},
    "server": {"error": {"message": "oh no", "type": "server_error"}, "status": 500},
}
CHAOS = {"malformed": {"malformedRate": 1}, "disconnect": {"disconnectRate": 1}}


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    if not AIMOCK.exists():
        pytest.skip("aimock is not installed: npm ci")
    fixtures: list[dict[str, object]] = [
        {"match": {"userMessage": f"case:{name}"}, "response": answer, "chunkSize": 4000 if name == "long" else 7}
        for name, answer in ANSWERS.items()
    ]
    fixtures += [
        {"match": {"userMessage": f"case:{name}"}, "response": {"content": "never seen"}, "chaos": chaos}
        for name, chaos in CHAOS.items()
    ]
    file: Path = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    with aimock_server(file) as server:
        yield server
