"""The live view, on a real terminal whose screen an independent emulator keeps."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Lock, Thread

import pyte
import pytest

from llm.domain import Event
from llm.report.live import LiveView, Progress, fitted, width
from llm.report.text import Paint
from tests.e2e.conftest import TORRE, a_long_sleep, environment, processes_running

Happened = tuple[str, Mapping[str, object]]
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A pseudo-terminal of a size, and what a person would see on it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen = pyte.Screen(columns, rows)
        self.raw = ""
        self._stream = pyte.Stream(self.screen)
        self._lock = Lock()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def shows(self, wanted: Callable[[str], bool], seconds: float = 30.0) -> str:
        """The screen as soon as it is as wanted, or when the time is over."""
        end = time.monotonic() + seconds
        while not wanted(self.text) and time.monotonic() < end:
            time.sleep(0.02)
        return self.text

    def close(self) -> None:
        """All that was written has been read after this."""
        os.close(self.theirs)
        self._reader.join(10)
        os.close(self.ours)

    def _read(self) -> None:
        with suppress(OSError):  # EIO: nobody has the other end any more
            while chunk := os.read(self.ours, 65536):
                with self._lock:
                    text = chunk.decode(errors="replace")
                    self.raw += text
                    self._stream.feed(text)

    @property
    def text(self) -> str:
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display).rstrip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    (place / ".torre").mkdir(parents=True)
    (place / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['F401']\n")
    (place / "app.py").write_text("import os\n\n\ndef double(n):\n    return n * 2\n")
    return place


@contextmanager
def started(project: Path, state: Path, check: str, **variables: str) -> Iterator[tuple[Terminal, Popen[str]]]:
    """`torre fix` with its progress on a terminal, which has been read to its end afterwards."""
    terminal = Terminal()
    env = environment(state, **{"TERM": "xterm-256color", **variables})
    command = ["env", "--default-signal=INT", *TORRE, "fix", str(project), "--check", check]
    with Popen(command, stdout=PIPE, stderr=terminal.theirs, text=True, env=env) as process:
        try:
            yield terminal, process
            process.wait(60)
        finally:
            process.kill()
    terminal.close()


def test_it_shows_what_goes_on_and_leaves_nothing_behind(project: Path, tmp_path: Path) -> None:
    check = "sleep 0.5; ruff check --isolated --select F401 ."
    with started(project, tmp_path / "state", check) as (terminal, process):
        live = terminal.shows(lambda text: "reproducing the red" in text and "cost" in text)
        stdout, _ = process.communicate(timeout=60)
    assert [line.split()[0] for line in live.splitlines()] == ["torre", "checks", "cost"]
    assert live.splitlines()[-1].split() == ["cost", "$0.00"]
    assert terminal.text == "" and terminal.raw.endswith(SHOWN) and HIDDEN in terminal.raw
    assert process.returncode == 0 and stdout.splitlines()[-1].startswith("GREEN in")


def test_an_interrupt_gives_the_terminal_back(project: Path, tmp_path: Path) -> None:
    seconds = a_long_sleep()
    with started(project, tmp_path / "state", f"sleep {seconds}") as (terminal, process):
        terminal.shows(lambda text: "reproducing" in text and bool(processes_running(seconds)))
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert terminal.text == "torre: interrupted; nothing was changed"
    assert terminal.raw.rindex(SHOWN) > terminal.raw.rindex(HIDDEN)
    assert not processes_running(seconds)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_only_where_they_are_wanted(
    project: Path, tmp_path: Path, variables: Mapping[str, str], coloured: bool
) -> None:
    with started(project, tmp_path / "state", "sleep 0.5", **variables) as (terminal, _):
        pass
    assert ("\x1b[2m" in terminal.raw) == coloured and "\x1b[K" in terminal.raw


def test_a_dumb_terminal_gets_plain_lines(project: Path, tmp_path: Path) -> None:
    with started(project, tmp_path / "state", "true", TERM="dumb") as (terminal, _):
        pass
    assert "found" in terminal.text and "\x1b" not in terminal.raw


def shown(columns: int, rows: int, *events: Happened) -> str:
    """The screen while a view has heard these events."""
    terminal = Terminal(columns, rows)

    def write(text: str) -> None:
        os.write(terminal.theirs, text.encode())

    with LiveView(write, lambda: os.get_terminal_size(terminal.theirs), Paint(False)) as view:
        for number, (kind, data) in enumerate(events):
            view.hear(Event(number, 0.0, kind, data))
        time.sleep(0.4)  # several frames: each must fall onto the one before
        screen = terminal.text
    terminal.close()
    assert terminal.text == ""
    return screen


CHECKS: Happened = ("checks", {"checks": [{"name": "mypy"}, {"name": "检查" * 40}]})
FORGED: Happened = ("progress", {"line": "a\x1b[2J\x1b]0;title\x07\nb\r" + "é" * 300})


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_lines_are_cut_to_the_width_whatever_the_characters(columns: int) -> None:
    screen = shown(columns, 24, CHECKS, FORGED)
    lines = screen.splitlines()
    assert [line.split()[0] for line in lines] == ["torre", "checks", "now", "cost"]  # nothing wrapped, one frame
    assert lines[2].split()[1] == "a" and lines[2].endswith("…")


def test_a_low_terminal_is_not_scrolled() -> None:
    events: list[Happened] = [CHECKS, ("triage", {"stage": "types", "reason": "r"}), FORGED]
    screen = shown(80, 3, *events)
    assert [line.split()[0] for line in screen.splitlines()] == ["torre", "checks"]


def test_counts_cost_and_lanes_add_up() -> None:
    progress = Progress()
    events: list[Happened] = [
        ("baseline", {"check": "mypy", "outcome": "red", "duration_s": 1.25}),
        ("verdict", {"reason": "checks_red"}),
        ("verdict", {"reason": "checks_red"}),
        ("verdict", {"reason": "passed"}),
        ("asking", {"lane": "a/b", "round": 1}),
        ("answered", {"lane": "a/b", "cost_usd_micros": 12_300}),
        ("answered", {"lane": "c/d", "cost_usd_micros": None}),
        ("lane_failed", {"lane": "c/d", "reason": "timeout"}),
        ("unheard of", {}),
    ]
    for number, (kind, data) in enumerate(events):
        progress.hear(Event(number, 0.0, kind, data))
    rows = dict(progress.lines(2.0))
    assert rows["checks"] == "mypy red (1.2 s)"
    assert rows["candidates"] == "3 tried · 1 passed · 2 checks_red"
    assert rows["lanes"] == "a/b answered · c/d failed (timeout)"
    assert rows["cost"] == "$0.0123 + ?"


@pytest.mark.parametrize("text", ["", "plain", "检查一下", "é" * 9, "e\u0301" * 9, "a检b查c"])
def test_fitted_texts_fit(text: str) -> None:
    for columns in range(12):
        assert width(fitted(text, columns)) <= columns
    assert fitted(text, width(text)) == text
