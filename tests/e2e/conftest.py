"""The installed command, the examples, and small workspaces: what the end-to-end tests start from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
BIN = Path(sys.executable).parent
TORRE = (str(BIN / "torre"),)
MODULE = (sys.executable, "-m", "llm.cli")
TIMEOUT_S = 800
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails if there is anything else."""
        made, end = json.JSONDecoder().raw_decode(self.stdout)
        assert self.stdout[end:].strip() == "", f"after the object: {self.stdout[end:][:200]!r}"
        assert isinstance(made, dict)
        return made


Torre = Callable[..., Ran]


def environment(state: Path, **extra: str) -> dict[str, str]:
    """A user's environment with nothing of this run's own: no keys, no opt-ins, no colour settings."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = os.pathsep.join([str(REPOSITORY / "node_modules" / ".bin"), os.environ["PATH"], str(BIN)])
    return {**kept, "PATH": path, "XDG_STATE_HOME": str(state), "PYTHONDONTWRITEBYTECODE": "1", **extra}


def fingerprint(root: Path) -> dict[str, str]:
    """Every file, link and directory under `root` with its mode and content; Torre's own `.torre` is left out."""
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode:o} {_content(path)}"
        for path in sorted(root.rglob("*"))
        if ".torre" not in path.relative_to(root).parts
    }


def _content(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


_sleeps = count(7000)


def a_long_sleep() -> str:
    """Seconds for `sleep` that nobody else on this machine sleeps: its process is known by them."""
    return f"{next(_sleeps)}.{os.getpid()}"


def processes_running(argument: str) -> list[str]:
    """Command lines of the processes that have `argument` among their arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended while we looked
            continue
        if argument in words:
            found.append(" ".join(words))
    return found


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "state")


@pytest.fixture
def torre(tmp_path: Path) -> Torre:
    """Run `torre ARGUMENT…` (or another `command`) in `cwd`, `stdin` as its input."""

    def run(
        *arguments: str | Path,
        stdin: str | bytes = b"",
        cwd: Path = REPOSITORY,
        command: tuple[str, ...] = TORRE,
        timeout_s: float = TIMEOUT_S,
        extra: Mapping[str, str] | None = None,
    ) -> Ran:
        done = subprocess.run(
            [*command, *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=cwd,
            env=environment(tmp_path / "state", **(extra or {})),
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def ask(torre: Torre, tmp_path: Path) -> Torre:
    """`python3 -m llm.cli` in an empty directory, with a request (an object, or raw text or bytes) on stdin."""
    cwd = tmp_path / "elsewhere"
    cwd.mkdir()

    def run(request: object, **options: Any) -> Ran:
        stdin = request if isinstance(request, str | bytes) else json.dumps(request)
        return torre(stdin=stdin, cwd=cwd, command=MODULE, extra={"PYTHONPATH": str(REPOSITORY)}, **options)

    return run


@pytest.fixture
def example(tmp_path: Path, env: dict[str, str]) -> Callable[[str], Path]:
    """A copy of an example in a git repository of its own, for running the real tools on.

    `node_modules` is a link to this repository's: a tool started by hand resolves through it as in place.
    """

    def copy(name: str) -> Path:
        repository = tmp_path / "repository"
        place = repository / name
        skipped = shutil.ignore_patterns(".torre", "node_modules", "__pycache__", ".*_cache", "dist")
        shutil.copytree(EXAMPLES / name, place, ignore=skipped)
        subprocess.run(["git", "init", "--quiet", str(repository)], check=True, env=env)
        (repository / "node_modules").symlink_to(REPOSITORY / "node_modules")
        return place

    return copy


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[..., Path]:
    """A workspace made of files (relative path → text or bytes), in a directory with a name of one's choice."""

    def make(files: Mapping[str, str | bytes], name: str = "workspace") -> Path:
        root = tmp_path / name
        root.mkdir()
        for relative, content in files.items():
            path = root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture(scope="session")
def schema() -> Draft202012Validator:
    """The published schema of the output, as the installed command prints it."""
    done = subprocess.run([*TORRE, "schema", "output"], capture_output=True, check=True)
    published = json.loads(done.stdout)
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)
