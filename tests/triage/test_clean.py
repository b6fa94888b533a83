"""What terminals and CI systems put around a tool's words goes; the words stay."""

from __future__ import annotations

import pytest

from llm.triage.clean import clean, strip_control
from llm.triage.stage import parse
from tests.triage import golden

LINE = "src/a.ts(1,2): error TS2307: Cannot find module './b'."


@pytest.mark.parametrize(
    "wrapped",
    [
        f"2026-11-01T10:00:00.0000000Z {LINE}",
        f"\ufeff2026-11-01T10:00:00.0000000Z {LINE}",
        f"check\tRun tsc\t2026-11-01T10:00:00.0000000Z {LINE}",
        f"2026-11-01T10:00:00.123456Z 00O {LINE}",
        f"2026-11-01T10:00:00.123456Z 01E+ {LINE}",
        f"2026-11-01 10:00:00,123 {LINE}",
        f"[12:00:01] {LINE}",
        f"[2026-11-01T10:00:00Z] {LINE}",
        f"web:typecheck: {LINE}",
        f"@shop/web:typecheck: {LINE}",
        f"packages/web typecheck: {LINE}",
        f"web-1  | {LINE}",
        f"##[error]{LINE}",
        f"2026-11-01T10:00:00.0000000Z ##[error]{LINE}",
        f"::error file=src/a.ts,line=1,col=2::{LINE}",
        f"::group::{LINE}",
        f"section_start:1700000000:tsc[collapsed=true]\r\x1b[0K{LINE}",
        f"checking 10%\rchecking 90%\r{LINE}",
        f"{LINE}\r",
        f"\x1b[31m\x1b[1m{LINE}\x1b[0m\x1b[K",
        f"\x1b]8;;https://example.com\x1b\\{LINE}\x1b]8;;\x1b\\",
        f"\x1b]0;a title\x07{LINE}",
        f"\x9b31m{LINE}\x9b0m",
        f"{LINE}\x00\x08",
    ],
)
def test_the_tools_own_line_is_left(wrapped: str) -> None:
    assert clean(wrapped + "\r\n") == LINE + "\n"


@pytest.mark.parametrize(
    "line",
    [
        "app/shop.py:3: error: Bad  [misc]",
        "shop.c:6:5: error: expected",
        "  3 | def total():",
        "1 | import os",
        "TypeError: x is not a function",
        "std::vector: no",
        "/usr/bin/ld: undefined reference",
        "-- a table | of | words",
        "\tindented with a tab",
    ],
)
def test_what_only_looks_like_a_prefix_stays(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize(
    ("coloured", "plain"),
    [("gcc-colour", "gcc"), ("cargo-check-colour", "cargo-check"), ("eslint-colour", "eslint-stylish")],
)
def test_real_coloured_logs_read_like_the_plain_ones(coloured: str, plain: str) -> None:
    assert "\x1b" in golden.raw(coloured)
    assert parse(golden.raw(coloured)) == parse(golden.raw(plain))


def test_a_whole_github_job_log_reads_like_the_tools_own() -> None:
    stamped = "".join(
        f"check\tRun mypy\t2026-11-01T10:00:00.0000000Z {line}\r\n"
        for line in ["##[group]Run mypy app", "##[endgroup]", *golden.raw("mypy-plain").splitlines()]
    )
    assert parse(stamped) == parse(golden.raw("mypy-plain")) != ()


def test_an_annotation_gives_back_the_tools_lines() -> None:
    assert clean("::warning file=a%2Cb.py::first%0Asecond 100%25") == "first\nsecond 100%"


def test_an_escape_that_is_never_closed_ends_with_its_line() -> None:
    assert clean(f"\x1b]8;;never closed\n{LINE}") == f"\n{LINE}"


def test_strip_control_leaves_text_that_a_terminal_only_prints() -> None:
    assert strip_control("a\x1b[2Jb\x07\u202ec\r\nd\re\tf\ud800") == "abc\nd\ne\tf\ufffd"
    assert strip_control("naïve “quotes” ✓ 日本") == "naïve “quotes” ✓ 日本"
