"""The same attacks where gVisor stands around the job: they meet a kernel that is a program."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from llm.domain import Isolation
from llm.errors import SandboxError
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job
from tests.attacks.arena import ATTACKS, SIEGES, Arena, Outcome, arena
from tests.attacks.attack import Attack, Siege
from tests.sandbox.leftovers import marked
from tests.sandbox.runner import USERS, Runner, readable_package, running_as

OF_ITS_OWN_KERNEL = {
    "becomes root": "it is user 0 there from the start, without capabilities, and the job's own user outside",
    "raises its priority": "in a scheduler that has no other processes",
    "kills its parent and the first process": "which is the job itself",
}
"""What gets through, and reaches nothing but the job."""


@pytest.fixture(scope="module", params=USERS)
def strong(request: pytest.FixtureRequest) -> Iterator[Runner]:
    with readable_package() as package, running_as(request.param, package, "strong") as one:
        yield one


@pytest.fixture(scope="module")
def field(strong: Runner) -> Iterator[Arena]:
    with arena(strong) as one:
        yield one


@pytest.fixture(scope="module")
def attacked(field: Arena) -> dict[str, Outcome]:
    return field.attack()


@pytest.fixture(scope="module")
def besieged() -> Iterator[dict[str, Outcome]]:
    """Without root, where memory has to be sampled."""
    with readable_package() as package, running_as(USERS[-1], package, "strong") as one, arena(one) as laid_out:
        yield laid_out.besiege()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_held(attack: Attack, attacked: dict[str, Outcome]) -> None:
    outcome = attacked[attack.name]
    assert outcome.held != (attack.name in OF_ITS_OWN_KERNEL), outcome.said


@pytest.mark.parametrize("siege", SIEGES, ids=lambda s: s.name)
def test_siege_held(siege: Siege, besieged: dict[str, Outcome]) -> None:
    outcome = besieged[siege.name]
    assert outcome.held != (siege.name in OF_ITS_OWN_KERNEL), outcome.said


def test_the_kernel_is_not_the_hosts(strong: Runner) -> None:
    done = strong.sh("cat /proc/version")
    assert done["isolation"] == "strong"
    assert done["stdout"].strip() not in ("", Path("/proc/version").read_text().strip())


def test_what_a_job_may_do_it_can_do(strong: Runner) -> None:
    """Below the limits that the sieges break: that those were held says nothing if nothing ever worked."""
    threads = "import threading, os; ts = [threading.Thread(target=os.getpid) for _ in range(30)]\n"
    threads += "for t in ts: t.start()\nprint(bytearray(60 << 20).count(0) >> 20)"
    workers = "new (require('worker_threads').Worker)('console.log(process.platform)', {eval: true})"
    write = "mkdir -p a/b && echo text > a/b/c && mv a/b/c d && ln -s d e && cat e && rm -r a && test ! -e a"
    python, node, shell = strong.run_all(
        [
            {"argv": ["python3", "-c", threads], "limits": {"memory_bytes": 300 << 20}},
            {"argv": ["node", "-e", workers]},
            {"argv": ["sh", "-c", write]},
        ],
        width=3,
    )
    assert (python["stdout"], node["stdout"], shell["stdout"]) == ("60\n", "linux\n", "text\n"), (
        python,
        node,
        shell,
    )
    assert sorted(p.name for p in strong.workspace.iterdir() if p.name in "ade") == []


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"argv": ["no-such-program"]}, 127),
        ({"argv": ["true"], "directory": "nowhere"}, 127),
        ({"argv": ["./a.txt"]}, 126),
        ({"argv": ["sh", "-c", "kill -9 $$"]}, 137),
        ({"argv": ["sh", "-c", "exit 128"]}, 128),
    ],
    ids=str,
)
def test_exit_codes_are_a_shells(strong: Runner, job: dict[str, object], code: int) -> None:
    assert strong.run_all([job])[0]["exit_code"] == code


def test_nothing_of_it_outlives_a_job_that_is_ended(tmp_path: Path) -> None:
    workspace, enough = tmp_path / "work", Event()
    workspace.mkdir()
    job = Job(("sh", "-c", "sleep 77 & setsid sleep 77 & wait"), cancel=enough)
    with open_sandbox(workspace, least=Isolation.STRONG) as sandbox, ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.execute, job)
        end = time.monotonic() + 30
        while not _kernels(workspace) and time.monotonic() < end:
            time.sleep(0.05)
        assert _kernels(workspace)
        enough.set()
        assert running.result().killed == "cancelled"
        assert _kernels(workspace) == []


def test_who_asks_for_it_where_it_is_not_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as programs:
        Path(programs).chmod(0o755)
        for name in ("bwrap", "sleep"):  # what the probe runs
            Path(programs, name).symlink_to(shutil.which(name) or "")
        monkeypatch.setenv("PATH", programs)
        _asked_for_without_it(tmp_path)


def _asked_for_without_it(tmp_path: Path) -> None:
    with open_sandbox(tmp_path) as sandbox:
        assert sandbox.isolation is Isolation.FULL
    with pytest.raises(SandboxError, match=r"strong isolation .*runsc.* not installed") as caught:
        open_sandbox(tmp_path, least=Isolation.STRONG)
    assert "runsc" in caught.value.remedy and "isolation: full" in caught.value.remedy


def _kernels(workspace: Path) -> list[str]:
    return [line for line in marked(str(workspace)) if "runsc" in line]
