"""Megabytes of what is most likely to be quadratic: each is read or refused in time that grows with its size."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import prepare

MEGABYTE = 1_000_000
SECONDS = 30.0
"""Processor time; many times what any of these needs. A quadratic one takes minutes to hours."""

_HEADER = "--- a/src/calc.py\n+++ b/src/calc.py\n"
UNITS = {
    "diff": (
        *(
            "@@ -1 +1 @@\n",
            "--- a/x\n",
            _HEADER,
            _HEADER + "@@ -1 +1 @@\n-x\n+y\n",
            "diff --git a/x b/x\n",
            "+",
            "\\ No\n",
        ),
        *(
            "diff --git " + "a " * 50 + "\n",
            '--- "a/\\056' + "\\" * 20 + "\n",
            "rename from x\nrename to y\n",
            "\r\n",
            "@@",
        ),
    ),
    "policy": (
        "a: {",
        "- ",
        "&a *a ",
        "allowed: [",
        "x: 1\n",
        "'",
        "quotas:\n  a/b: {rpm: 1}\n",
        "{",
        "? ",
        "\t",
        "!!x ",
    ),
    "answer": (
        "```\n",
        "<file path='a'>",
        "*** Update File: a\n@@\n",
        "<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n",
        "<think>",
    ),
    "log": (
        "E   ",
        "error[E0308]: ",
        "\x1b[",
        "Traceback (most recent call last):\n",
        "FAILED a::b - ",
        "  at x (a.ts:1:1)\n",
    ),
    "secret": (
        *("password = '", "://a:b", "eyJaaaaaaaa.", "-----BEGIN RSA PRIVATE " + "KEY-----\n", "_auth="),
        *("PuTTY-User-Key-File-2: ", "authorization: bearer ", "sk-" + "a" * 50, "x" * 60 + "secret=", "Abc: x\n"),
        *("b", "\\n", "token" + " " * 40, "secret: " + ">\n", "--a-token x", "cookie: sess=", "curl -u a:1"),
        *("-----BEGIN RSA PRIVATE " + "KEY-----\n" + ("A" * 63 + "\n") * 200, "eyJ" + "a" * 20 + ".", "A" * 76),
        *("?sig=aaa", "[redacted: ", "AP1aaaaaaaa", "Mabcdefghijklmnopqrstuvwxy.abcdef."),
    ),
}
_MORE_NAMES = ("password ", 'token="', "secret ", "password=", "_authToken=")
"""Names of secrets as others above, each several seconds long: for `make soak`."""
if "TORRE_SOAK" in os.environ:
    UNITS["secret"] += _MORE_NAMES
_SIZES = {"diff": 10, "policy": 1, "answer": 2, "log": 1, "secret": 1}
CASES = [(name, unit) for name, units in UNITS.items() for unit in units]


def _took_s(target: Callable[[bytes], None], data: bytes) -> float:
    began = time.process_time()
    target(data)
    return time.process_time() - began


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("name", "unit"), CASES, ids=[f"{name}-{unit[:24]!a}" for name, unit in CASES])
def test_much_of_one_thing(name: str, unit: str, tmp_path: Path) -> None:
    data = (unit * (_SIZES[name] * MEGABYTE // len(unit))).encode()
    assert _took_s(prepare(tmp_path)[name], data) < SECONDS


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", UNITS)
def test_much_of_the_corpus_in_any_order(name: str, tmp_path: Path) -> None:
    lines = [line for path in sorted((CORPUS / name).glob("*")) for line in path.read_bytes().splitlines(True)]
    shuffled = random.Random(1).choices(lines, k=_SIZES[name] * MEGABYTE // 30)
    assert _took_s(prepare(tmp_path)[name], b"".join(shuffled)) < SECONDS
