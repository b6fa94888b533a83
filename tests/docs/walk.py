"""A page's commands typed one after another by a newcomer: a home of their own, and a project that is red."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.docs.pages import Page, Shown
from tests.e2e.conftest import environment

FILES: Mapping[str, str] = {
    "app.py": "import os\n\n\ndef double(n):\n    return n * 2\n",
    "pyproject.toml": '[tool.ruff.lint]\nselect = ["F"]\n',
    "Makefile": "check:\n\truff check .\n",
    ".gitignore": ".torre/\n",
    "packages/api/pyproject.toml": '[tool.ruff.lint]\nselect = ["F"]\n',
    "packages/api/rates.py": "import re\n\nRATES = (1, 2)\n",
}
"""Red by ruff, which the embedded fixers mend at once; behind `make check` too."""
_GIT = ("init -q -b main", "add -A", "commit -q -m red", "update-ref refs/remotes/origin/main HEAD")
_EXPORT = re.compile(r"export (\w+)=(\S+)")
_SERVES = re.compile(r"torre (serve|mcp --http)\b")
_ADDRESS = re.compile(r"(?:listening|running) on (http://[^\s,/]+)")
_SERVER_OF_THE_DOCS = re.compile(r"http://[\w.]+:83\d\d\b")
_RUN_OF_THE_DOCS = "6b1f…"
_LOCATION = re.compile(r"^location: /v1/runs/(\S+)", re.M)
_KEY = re.compile(r"^torre_\w+_\S+$", re.M)
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Typed:
    """A command, how it ended, and which lines of the page it did not print."""

    command: str
    exit_code: int
    output: str
    lacks: tuple[str, ...] = ()


@dataclass
class Newcomer:
    """Whoever reads the page: types what it says, with what came out of earlier commands in the right places."""

    home: Path
    real: Mapping[str, str] = field(default_factory=dict)
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.project = self.home / "project"
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(Path.home() / ".cache")}
        roles = ("AUTHOR", "COMMITTER")
        who = {f"GIT_{role}_{what}": "dev@example.com" for role in roles for what in ("NAME", "EMAIL")}
        self.env = environment(self.home / "state", GIT_CONFIG_GLOBAL=os.devnull, **who) | own

    def begin(self) -> None:
        """A checkout of the red project, and others in `~/work` and `~/projects`."""
        for place in (self.project, self.home / "work" / "shop", self.home / "projects" / "app"):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for name, text in FILES.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(text)
            for words in _GIT:
                subprocess.run(["git", *words.split()], cwd=place, env=self.env, check=True)

    def enter(self, command: str) -> Typed:
        """Type it, and wait until it has ended; a server, until it listens."""
        line = command
        for there, here in self.real.items():
            line = line.replace(there, here)
        if "address" in self.real:
            line = _SERVER_OF_THE_DOCS.sub(self.real["address"], line)
        if export := _EXPORT.fullmatch(line):
            self.env[export[1]] = export[2]
        if _SERVES.match(line):
            return self._serve(command, f"{line} --port 0")
        argv = ["bash", "-euo", "pipefail", "-c", line]
        done = subprocess.run(
            argv, cwd=self.project, env=self.env, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        self._learn(done.stdout)
        return Typed(command, done.returncode, done.stdout + done.stderr)

    def _learn(self, output: str) -> None:
        if run := _LOCATION.search(output):
            self.real = {**self.real, _RUN_OF_THE_DOCS: run[1]}
        if key := _KEY.search(output):
            self.env["TORRE_KEY"] = key[0]

    def _serve(self, command: str, line: str) -> Typed:
        self.end()
        server = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=self.project, env=self.env, stderr=subprocess.PIPE, text=True
        )
        self.servers.append(server)
        assert server.stderr is not None
        said = ""
        until = time.monotonic() + _TIMEOUT_S
        while not (found := _ADDRESS.search(said)) and time.monotonic() < until:
            read = server.stderr.readline()
            if not read:
                return Typed(command, server.wait(), said)
            said += read
        assert found, said
        _wait_for_an_answer(urlsplit(found[1]).port)
        self.real = {**self.real, "address": found[1].replace("0.0.0.0", "127.0.0.1")}
        return Typed(command, 0, said)

    def end(self) -> None:
        """No server of theirs goes on."""
        while self.servers:
            server = self.servers.pop()
            server.terminate()
            server.communicate(timeout=60)


def _wait_for_an_answer(port: int | None) -> None:
    """It listens from the start; whoever is told to end before it answers may not hear it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


@contextmanager
def newcomer(home: Path) -> Iterator[Newcomer]:
    """Somebody with an empty home."""
    somebody = Newcomer(home)
    try:
        yield somebody
    finally:
        somebody.end()


def walk(page: Page, somebody: Newcomer, left_out: Mapping[str, str]) -> list[Typed]:
    """Every command of the page but those that are left out. Each block begins on the red project."""
    typed: list[Typed] = []
    begun: set[str] = set()
    for block in page.consoles():
        commands = [shown for shown in block if shown.command not in left_out]
        if not commands or (len(commands) == 1 and commands[0].command in begun):
            continue
        begun.add(commands[0].command)
        somebody.begin()
        typed += [_compared(somebody.enter(shown.command), shown) for shown in commands]
    return typed


def _compared(typed: Typed, shown: Shown) -> Typed:
    """By the plain words of each line: numbers, paths and ids are other ones each time."""
    lacks = (line for line in shown.output if not re.search(_words(line), typed.output))
    return replace(typed, lacks=tuple(lacks))


def _words(line: str) -> str:
    return ".*".join(re.escape(word) for word in line.split() if re.fullmatch(r"[A-Za-z.,:;]+", word))
