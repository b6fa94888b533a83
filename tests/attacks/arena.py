"""A host laid out to be attacked, and the verdict on each attack: in the sandbox, and outside as the control."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

from llm.sandbox.syscalls import MACHINES, NUMBERS
from tests.attacks.attack import Attack, Control, Siege
from tests.attacks.on_files import READS, WRITES
from tests.attacks.on_host import KERNEL, NETWORK, PROCESSES
from tests.attacks.on_limits import SIEGES
from tests.sandbox.runner import ROOT, Runner, give_away

ATTACKS: tuple[Attack, ...] = (*READS, *WRITES, *NETWORK, *PROCESSES, *KERNEL)
__all__ = ["ATTACKS", "SIEGES", "Arena", "Outcome", "arena"]

_TRIES = Path(__file__).with_name("tries.py").read_text()
_INTACT = "intact"
_PLANTED = {"ANTHROPIC_API_KEY": "sk-planted"}
_NAMESPACES = ("unshare", "-Urmnui", "--propagation", "private")
_HELD_UP_S = 1.0
_ANSWER_S = 30.0
_PTRACE = {"x86_64": 101, "aarch64": 117}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an attack was held, and what it said."""

    name: str
    held: bool
    said: str


class Arena:
    """One user's home, with what that user would not like to lose, and a workspace in it."""

    def __init__(self, runner: Runner, facts: dict[str, Any]) -> None:
        self._runner = runner
        self._facts = facts
        self._workspace = runner.workspace

    def attack(self, attacks: Sequence[Attack] = ATTACKS) -> dict[str, Outcome]:
        """All of them in one job."""
        self._plant(attacks)
        told = json.dumps({"facts": self._facts, "attacks": {a.slug: a.code for a in attacks}})
        argv = ["python3", "-I", "-S", "-c", _TRIES]
        done = self._runner.run_all([{"argv": argv, "stdin": told, "limits": {"wall_s": 120}}], _PLANTED)[0]
        assert done["exit_code"] == 0, done
        return self._judged(attacks, json.loads(done["stdout"]))

    def controls(self, attacks: Sequence[Attack] = ATTACKS) -> dict[str, Outcome]:
        """The same code without a sandbox, by the same user, where that user can play the part."""
        mine = [a for a in attacks if a.control is not Control.ROOT or self._is_root]
        self._plant(mine)
        prefix = {a.slug: _NAMESPACES for a in mine if a.control is Control.NAMESPACES}
        told = json.dumps({"facts": self._facts, "attacks": {a.slug: a.code for a in mine}, "prefix": prefix})
        command = [*self._runner.prefix, "-I", "-S", "-c", _TRIES]
        environ = {**self._runner.environ, **_PLANTED}
        done = subprocess.run(
            command, input=told, env=environ, capture_output=True, text=True, check=True, cwd="/"
        )
        return self._judged(mine, json.loads(done.stdout))

    def besiege(self, sieges: Sequence[Siege] = SIEGES) -> dict[str, Outcome]:
        """One job each, one after the other in one sandbox: that the next one works is part of the verdict."""
        jobs = [{"argv": ["python3", "-I", "-S", "-c", s.code], "limits": s.limits} for s in sieges]
        done = self._runner.run_all(jobs)
        return {s.name: _endured(s, each) for s, each in zip(sieges, done, strict=True)}

    def siege_control(self, siege: Siege) -> Outcome:
        """Its bounded form without a sandbox: through if it says so, or if it holds up who waits for it."""
        code = siege.control or siege.code
        command = [*self._runner.prefix, "-I", "-S", "-c", code]
        environ = {**self._runner.environ, "TORRE_REPORT": "/dev/null"}
        with tempfile.TemporaryDirectory(dir=self._workspace) as folder:
            give_away(Path(folder), "" if self._is_root or not ROOT else "ordinary")
            process = subprocess.Popen(
                command,
                env=environ,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with process:
                try:
                    said = process.communicate(timeout=_ANSWER_S if "THROUGH" in code else _HELD_UP_S)[0].decode()
                except subprocess.TimeoutExpired:
                    said = "THROUGH: still there" if "THROUGH" not in code else "no answer"
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return Outcome(siege.name, "THROUGH" not in said, said[-600:])

    @property
    def _is_root(self) -> bool:
        return ROOT and "setpriv" not in self._runner.prefix

    def _plant(self, attacks: Sequence[Attack]) -> None:
        """Every victim whole, whatever an earlier round did to it."""
        for attack in attacks:
            victim = self._victim(attack)
            victim.parent.mkdir(parents=True, exist_ok=True)
            victim.unlink(missing_ok=True)
            victim.write_text(_INTACT)
            victim.chmod(0o644)
            if not attack.victim:
                hard = self._workspace / "hard" / attack.slug
                hard.parent.mkdir(exist_ok=True)
                hard.unlink(missing_ok=True)
                hard.hardlink_to(victim)
        for name in ("new-link", "new-hard"):
            (self._workspace / name).unlink(missing_ok=True)
        give_away(self._workspace.parent, "ordinary" if ROOT and not self._is_root else "")

    def _victim(self, attack: Attack) -> Path:
        return self._workspace / (attack.victim or f"victims/{attack.slug}")

    def _judged(self, attacks: Sequence[Attack], said: dict[str, str]) -> dict[str, Outcome]:
        return {a.name: Outcome(a.name, self._held(a, said[a.slug]), said[a.slug]) for a in attacks}

    def _held(self, attack: Attack, said: str) -> bool:
        if "THROUGH" in said or said == "hung" or Path(self._facts["outside"], attack.slug).exists():
            return False
        victim = self._victim(attack)
        return victim.exists() and victim.read_text() == _INTACT and stat.S_IMODE(victim.stat().st_mode) == 0o644


def _endured(siege: Siege, done: dict[str, Any]) -> Outcome:
    held = "THROUGH" not in done["stdout"] and done["duration_s"] < siege.within_s
    held = held and all(done[name] == value for name, value in siege.ends.items())
    told = {name: done[name] for name in ("exit_code", "killed", "duration_s")}
    return Outcome(siege.name, held, f"{told} {done['stdout'][-200:]} {done['stderr'][-200:]}")


@contextmanager
def arena(runner: Runner) -> Iterator[Arena]:
    """Lay out the host around the runner's workspace, with servers, a process and shared memory to be found."""
    home = runner.workspace.parent
    with ExitStack() as stack:
        other = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torre-other-", dir="/var/tmp")))
        tmp = stack.enter_context(tempfile.NamedTemporaryFile(prefix="torre-left-", dir="/tmp"))
        shm = stack.enter_context(tempfile.NamedTemporaryFile(prefix="torre-left-", dir="/dev/shm"))
        for file in (tmp, shm):
            file.write(b"left over")
            file.flush()
            Path(file.name).chmod(0o644)
        other.chmod(0o755)
        (other / "secret.txt").write_text("canary")
        _furnish(home, runner.workspace)
        give_away(home, "ordinary" if "setpriv" in runner.prefix else "")
        column = MACHINES[os.uname().machine].column
        numbers = {name: both[column] for name, both in NUMBERS.items()} | {"ptrace": _PTRACE[os.uname().machine]}
        facts = {
            **{"home": str(home), "workspace": str(runner.workspace), "outside": str(home / "outside")},
            **{"site": str(runner.workspace / ".venv" / "lib"), "beside": str(home / "beside")},
            **{"other_home": str(other), "tmp": tmp.name, "shm_name": Path(shm.name).name, "device": _device()},
            **{"numbers": numbers, "shm_key": stack.enter_context(_shared_memory())},
            "pid": stack.enter_context(_sleeper(runner)),
            **stack.enter_context(_servers(home)),
        }
        yield Arena(runner, facts)


def _furnish(home: Path, workspace: Path) -> None:
    for path in (".ssh/id_ed25519", ".aws/credentials", ".config/torre/trust.json", "work/.torre/ledger.db"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("canary")
    (home / "outside").mkdir()
    (home / "target").write_text(_INTACT)
    (workspace / "link-to-secret").symlink_to(home / "secret.txt")
    (workspace / "link-to-target").symlink_to(home / "target")


def _device() -> str:
    """A block device of this machine."""
    names = (name for name in os.listdir("/sys/block") if Path("/dev", name).exists())  # noqa: PTH208
    return f"/dev/{next(names, 'mem')}"


@contextmanager
def _servers(home: Path) -> Iterator[dict[str, Any]]:
    name = f"torre-attacks-{uuid4().hex}"
    with ExitStack() as stack:
        tcp, udp, abstract, path = (
            stack.enter_context(socket.socket(family, kind))
            for family, kind in (
                (socket.AF_INET, socket.SOCK_STREAM),
                (socket.AF_INET, socket.SOCK_DGRAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
            )
        )
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        abstract.bind("\0" + name)
        path.bind(str(home / "socket"))
        (home / "socket").chmod(0o777)
        for server in (tcp, abstract, path):
            server.listen()
        Thread(target=_answer, args=(udp,), daemon=True).start()
        ports = {"port": tcp.getsockname()[1], "udp": udp.getsockname()[1]}
        yield {**ports, "abstract": name, "socket": str(home / "socket")}


def _answer(udp: socket.socket) -> None:
    with suppress(OSError):  # until it is closed
        while True:
            _, sender = udp.recvfrom(100)
            udp.sendto(b"answer", sender)


@contextmanager
def _sleeper(runner: Runner) -> Iterator[int]:
    """A process of the same user, to be traced and signalled."""
    command = [*runner.prefix, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@contextmanager
def _shared_memory() -> Iterator[int]:
    """The key of a SysV segment that anybody may read."""
    libc, key = ctypes.CDLL(None), 0x70000000 + uuid4().int % 0x1000000
    segment = libc.shmget(key, 4096, 0o1666)
    try:
        yield key
    finally:
        libc.shmctl(segment, 0, None)
