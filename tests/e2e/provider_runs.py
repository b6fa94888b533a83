"""A user with a policy and keys of their own, a red workspace that no fixer mends, and answers that mend it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.conftest import TIMEOUT_S, TORRE, Ran, environment
from tests.providers.servers import DIALECTS, STREAM_HEAD

LOCAL, GPT, CLAUDE, GEMINI = "local/qwen2.5-7b", "openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5"
PROTOCOLS = {LOCAL: "openai", GPT: "openai", CLAUDE: "anthropic", GEMINI: "google"}
KEY = "pl4nted-k3y-of-the-user"
STAGES = ("types", "build", "tests", "style", "docs", "general")

RED = "def roman(number):\n    raise NotImplementedError\n"
CHECK = "python3 check.py"
FILES = {
    "roman.py": RED,
    "check.py": 'from roman import roman\n\nassert [roman(n) for n in (4, 9, 1994)] == ["IV", "IX", "MCMXCIV"]\n',
}
SIGNS = """\
SIGNS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")]
SIGNS += [(10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
"""
GREEN = f"""\
{SIGNS}

def roman(number):
    text = ""
    for value, letters in SIGNS:
        text += letters * (number // value)
        number %= value
    return text
"""
LONGER = f"""\
{SIGNS}

def roman(number):
    text = ""
    for value, letters in SIGNS:
        count = number // value
        text = text + count * letters
        number = number - count * value
    # one digit after another, the largest first
    return text
"""
WRONG = RED.replace("raise NotImplementedError", 'return "I" * number')


def whole(text: str, path: str = "roman.py") -> str:
    """A model's answer: this file, whole."""
    return f"The function is missing.\n\n{path}\n```\n{text}```\n"


def reply(model: str, text: str, **more: Any) -> dict[str, Any]:
    """The model answers with this content of the file."""
    return {"type": "reply", "text": whole(text), "match": {"model": model}, **more}


def saying(text: str) -> Callable[[socket.socket], None]:
    """A script of the raw server: this answer by OpenAI's protocol, whatever is asked."""
    dialect = DIALECTS["openai"]
    said = STREAM_HEAD + dialect.opening + dialect.text(text) + dialect.ending

    def script(connection: socket.socket) -> None:
        connection.sendall(said)
        connection.close()

    return script


class Serving(Protocol):
    """A server that speaks the vendors' protocols."""

    def base(self, protocol: str) -> str: ...


def row(lane: str, server: Serving, model: str, **more: Any) -> dict[str, Any]:
    """The policy's row of a lane that this server plays; `more` are further keys of it."""
    protocol = PROTOCOLS.get(lane, "openai")
    key = {} if lane == LOCAL else {"api_key_env": "USERS_KEY"}
    return {"protocol": protocol, "model": model, "base_url": server.base(protocol), **key, **more}


@dataclass
class User:
    """Somebody at a terminal: a home of their own, and `torre` in it. `variables` are in their environment."""

    home: Path
    variables: dict[str, str] = field(default_factory=lambda: {"USERS_KEY": KEY})

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home / "state", XDG_CONFIG_HOME=str(self.home / "config"), **self.variables)

    def policy(self, text: str) -> Path:
        """Write the user's own policy."""
        path = self.home / "config" / "torre" / "providers.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def lanes(self, models: Mapping[str, Mapping[str, Any]], **policy: Any) -> None:
        """A policy with these lanes and no other, asked at every stage in this order."""
        routes = {stage: list(models) for stage in STAGES}
        self.policy(json.dumps({"allowed": list(models), "models": models, "routes": routes, **policy}))

    def start(self, *arguments: str | Path, cwd: Path, **variables: str) -> subprocess.Popen[bytes]:
        """A `torre` process of this user."""
        return subprocess.Popen(
            [*TORRE, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**self.environment, **variables},
        )

    def torre(self, *arguments: str | Path, cwd: Path, stdin: object = None, **variables: str) -> Ran:
        """A command of this user's in `cwd`, with an object on stdin as JSON."""
        given = b"" if stdin is None else json.dumps(stdin).encode()
        return ended(self.start(*arguments, cwd=cwd, **variables), given)

    def fix(self, workspace: Path, *more: str, **variables: str) -> Ran:
        """`torre fix --providers --json` with the workspace's one check and next to no time for the fixers."""
        return self.torre(*FIX, *more, cwd=workspace, **variables)

    def told(self, *arguments: str, cwd: Path) -> dict[str, Any]:
        """What another command tells as JSON."""
        ran = self.torre(*arguments, "--json", cwd=cwd)
        assert ran.exit_code == 0, ran.stderr + ran.stdout
        return ran.json()

    def attempts(self, workspace: Path) -> list[dict[str, Any]]:
        """The attempts of the last run."""
        rows: list[dict[str, Any]] = self.told("trace", "last", cwd=workspace)["attempts"]
        return rows


FIX = ("fix", "--providers", "--json", "--max-seconds", "0", "--check", CHECK)


def ended(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Ran:
    stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_S)
    return Ran(process.returncode, stdout.decode(), stderr.decode())


def apply(diff: str, root: Path) -> None:
    """By git alone, outside any repository of this machine."""
    subprocess.run(
        ["git", "apply", "-"],
        input=diff.encode(),
        cwd=root,
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)},
    )


def providers(answer: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = answer["metrics"]["providers"]
    return made


def failures(answer: Mapping[str, Any]) -> dict[str, str]:
    """Lane → why it brought no candidate."""
    return {c["provider"]: c["error"]["reason"] for c in providers(answer)["candidates"] if c["error"]}
