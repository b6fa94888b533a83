"""Logs that nobody's tool wrote: no crash, no control character in a path, and time in proportion to size."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm import plugins
from llm.domain import Stage
from llm.triage.base import LogParser
from llm.triage.clean import clean, strip_control
from llm.triage.lines import LONGEST
from llm.triage.stage import parse, triage
from tests.triage import golden

FRAGMENTS = st.sampled_from(
    [line + "\n" for name in golden.NAMES for line in golden.raw(name).split("\n")[:40]]
    + ["\x1b[", "\x1b]8;;", "\r", "\t", "::error ", "##[group]", "FAILED ", "Traceback (most recent call last):\n"]
)
LOGS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=40)), max_size=30).map("".join)

MEGABYTE = 1_000_000
SECONDS = 30.0
"""Many times what a loaded machine needs for any of these; a quadratic pattern takes minutes to hours."""


@settings(max_examples=80, deadline=None)
@given(LOGS)
def test_any_text_is_read(text: str) -> None:
    for found in parse(text):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in found.path)
        assert found.line >= 0
        assert "\n" not in found.message
    assert triage({"log": text}).stage in Stage


@settings(max_examples=80, deadline=None)
@given(LOGS)
def test_cleaning_leaves_no_control_character_and_stripping_twice_changes_nothing(text: str) -> None:
    stripped = strip_control(text)
    assert strip_control(stripped) == stripped
    for plain in (stripped, clean(text)):
        assert not any(c not in "\t\n" and (ord(c) < 32 or 127 <= ord(c) < 160) for c in plain)
        plain.encode("utf-8")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit",
    [
        "\x1b]8;;",
        "\x1b[",
        "\x9d1;",
        "\r",
        "a\t",
        "a/b/",
        "a_1_1",
        " " * 50 + "x",
        "::error ",
        "x:1:",
        'File "',
        "[" * 40 + "TS",
        "___ _",
        "FAILED a.py::[ - ",
        "(a.ts(1,",
        "- \n",
        "Traceback (most recent call last):\n",
        '  File "a.py", line 1\n',
        "  1:1  error  a  \n",
        "error[E0308]: x\n",
        "=== RUN T\n--- FAIL: T\n",
    ],
)
def test_half_a_megabyte_of_one_thing(unit: str) -> None:
    started = time.process_time()
    triage({"log": unit * (MEGABYTE // 2 // len(unit))})
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("tool", "start", "unit"),
    [
        ("unittest", "ERROR: a (", "a.b"),
        ("gcc", "/a.c:(.text", "a"),
        ("gcc", "a.c:1:1: error: ", "[x"),
        ("tsc", "", "a.ts(1,"),
        ("tsc", "", "TS1234 "),
        ("jest", "    at ", "("),
        ("go", "--- FAIL: ", "a"),
        ("cargo", "thread '", "panicked at '"),
        ("eslint", "  1:1 error ", "  "),
        ("pytest", "___ ", " ___a"),
    ],
)
def test_a_megabyte_of_long_lines_that_almost_fit(tool: str, start: str, unit: str) -> None:
    """One pattern that tries each split of a line would take seconds here, where a linear one takes hundredths."""
    line = (start + unit * LONGEST)[: LONGEST - 1] + "!\n"
    parser: LogParser = plugins.load("triage.parsers", tool, "PARSER")
    started = time.process_time()
    list(parser.parse(line * (MEGABYTE // LONGEST)))
    assert time.process_time() - started < 1.5


def test_ten_megabytes_of_everything() -> None:
    everything = "".join(golden.raw(name) for name in golden.NAMES)
    text = everything * (10 * MEGABYTE // len(everything) + 1)
    started = time.process_time()
    assert triage({"log": text}).stage is Stage.BUILD
    assert time.process_time() - started < SECONDS
