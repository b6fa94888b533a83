"""A probe runs the real sandbox once, with attacks in it, and remembers a good answer."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from llm import __version__
from llm.domain import Isolation
from llm.errors import SandboxError
from llm.sandbox.attacks import PROCESSES
from llm.sandbox.base import Job, Limits, Probe, Sandbox
from llm.sandbox.diagnosis import explain

_SYSCTLS = (
    "user/max_user_namespaces",
    "kernel/unprivileged_userns_clone",
    "kernel/apparmor_restrict_unprivileged_userns",
)
_WALL_S = 20.0
Opener = Callable[[Path], AbstractContextManager[Sandbox]]


def probe(name: str, tool_version: Callable[[], str], opener: Opener) -> Probe:
    """Attack a sandbox made by `opener`, or recall that this was done with the same tool. Only a good answer is
    recalled: a problem may be mended by what no key shows."""
    if sys.platform != "linux":
        return Probe(name, Isolation.NONE, "this backend is for Linux")
    try:
        memory = _cache_file(name, tool_version())
        if (known := _recalled(memory)) is not None:
            return Probe(name, known)
        isolation = _attack(opener)
    except SandboxError as error:
        return Probe(name, Isolation.NONE, str(error), error.remedy)
    _remember(memory, isolation)
    return Probe(name, isolation)


def _recalled(memory: Path) -> Isolation | None:
    try:
        return Isolation(memory.read_text())
    except (OSError, ValueError):  # not there, not ours to read, or half written: the probe is run
        return None


def _remember(memory: Path, isolation: Isolation) -> None:
    """Whole or not at all. Where nothing can be written, the next run probes again."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=memory.parent, delete=False) as new:
            new.write(isolation)
        Path(new.name).replace(memory)
    except OSError:
        return


def _cache_file(name: str, tool_version: str) -> Path:
    values = [file.read_text() if (file := Path("/proc/sys", key)).exists() else "" for key in _SYSCTLS]
    user = [str(os.geteuid()), Path("/proc/self/uid_map").read_text()]  # who is root may be so to a namespace only
    facts = [__version__, *os.uname(), tool_version, sys.executable, *user, *values]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "torre", f"sandbox-{name}-{key}")


def _attack(opener: Opener) -> Isolation:
    with tempfile.TemporaryDirectory(prefix="torre-probe-") as folder, socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as path:
            abstract.bind(f"\0{folder}")
            path.bind(f"{folder}/socket")
            abstract.listen()
            path.listen()
            return _held(Path(folder), tcp.getsockname()[1], opener)


def _held(folder: Path, port: int, opener: Opener) -> Isolation:
    """Attack from a workspace inside `folder`; SandboxError names what got through."""
    workspace, canary, outside = folder / "workspace", folder / "canary", folder / "outside"
    workspace.mkdir()
    canary.write_text("canary")
    script = str(Path(__file__).parent / "attacks.py")
    targets = (str(canary), str(outside), str(port), str(folder), f"{folder}/socket")
    argv = (sys.executable, "-I", "-S", script, *targets)
    with opener(workspace) as sandbox:
        done = sandbox.execute(Job(argv, limits=Limits(wall_s=_WALL_S, processes=PROCESSES)))
        isolation = sandbox.isolation
    *through, last = done.stdout.decode(errors="replace").splitlines() or [""]
    if outside.exists():
        through.append("write")
    if done.killed:
        through.append("orphan")
    if through or last != "done":
        said = done.stderr.decode(errors="replace").strip()
        raise explain(f"the sandbox did not hold ({', '.join(through) or 'no answer'}) {said}".strip())
    return isolation
