"""The second line, where user namespaces are forbidden for real: a copy of the workspace, Landlock and seccomp."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llm.errors import UnwritableError
from llm.sandbox import open_sandbox, probe_all
from llm.sandbox.backends.sandlock import BACKEND
from llm.sandbox.base import Job, Limits, Sandbox
from tests.attacks.arena import ATTACKS, SIEGES
from tests.sandbox.attacked import COUNTED, OF_THE_SAME_USER
from tests.sandbox.runner import CHECKOUT, ROOT, give_away, ordinary_prefix, readable_package

_PACKAGE = Path(str(getattr(find_spec("sandlock"), "origin", ""))).parent
_SETTING = [sys.executable, "-m", "tests.sandbox.forbidden"]
_Fixed = tuple[subprocess.CompletedProcess[str], Path]
KINDS = ["container", "ordinary"] if ROOT else ["ordinary"]
SEEN = {
    "sees the processes of the host": "Landlock has no rule for stat: that a thing exists can be seen by its name"
}
"""What gets through, and why."""
if not ROOT:  # the test's own user: root's stand-in for an ordinary one has lost that as well
    SEEN["has a capability to regain"] = (
        "the bounding set stays, of no use without new privileges, which are refused"
    )
ELSE = {
    "starts threads past its limit": "counted, not bounded: it was through before it was counted",
    "fills the disk with many files": "likewise",
    "uses up the inodes": "likewise",
    "kills its parent and the first process": "it is refused, where in a namespace of its own nothing dies",
}
"""Sieges that end otherwise than in namespaces of one's own; what has no end is ended (see COUNTED)."""


@contextmanager
def _laid_out(kind: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The command line of a Python in the setting, and its environment: a copy of what both users can read."""
    with readable_package() as package:
        shutil.copytree(CHECKOUT / "tests", package / "tests", dirs_exist_ok=True)
        shutil.copytree(_PACKAGE, package / "sandlock")
        for place in package.rglob("*"):
            place.chmod(0o777 if place.name.startswith("cache-") else 0o755)
        if ROOT and kind == "ordinary":
            give_away(package, "ordinary")
        python = ordinary_prefix()[-2] if ROOT and kind == "ordinary" else sys.executable
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/",
            "PYTHONPATH": str(package),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        yield [*_SETTING, kind, python, "-P"], environ


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """What takes long, all at the same time: `attacked.py` as each kind (the sieges only once), and a fix."""
    with ThreadPoolExecutor(3) as pool:
        told: dict[str, Future[Any]] = {kind: pool.submit(_attacked, kind) for kind in KINDS}
        yield {**told, "fix": pool.submit(_fix, tmp_path_factory.mktemp("fix"))}


@pytest.fixture(scope="module")
def attacked(at_once: dict[str, Future[Any]]) -> dict[str, Any]:
    return {kind: at_once[kind].result() for kind in KINDS}


@pytest.fixture(scope="module")
def fixed(at_once: dict[str, Future[Any]]) -> Any:
    return at_once["fix"].result()


def _attacked(kind: str) -> dict[str, Any]:
    with _laid_out(kind) as (prefix, environ):
        script = str(Path(environ["PYTHONPATH"], "tests", "sandbox", "attacked.py"))
        sieged = ["yes"] if kind == KINDS[0] else [""]
        done = subprocess.run(
            [*prefix, script, *sieged], env=environ, cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@pytest.mark.parametrize("attack", [*ATTACKS, *OF_THE_SAME_USER], ids=lambda a: a.name)
@pytest.mark.parametrize("kind", KINDS)
def test_held(attack: Any, kind: str, attacked: dict[str, Any]) -> None:
    held, said = attacked[kind]["attacks"][attack.name]
    assert held != (attack.name in SEEN), said


@pytest.mark.parametrize("attack", OF_THE_SAME_USER, ids=lambda a: a.name)
def test_control(attack: Any, attacked: dict[str, Any]) -> None:
    """Without a sandbox the same user can do each of these."""
    held, said = attacked[KINDS[-1]]["controls"][attack.name]
    assert not held, said


@pytest.mark.parametrize("siege", [*SIEGES, *COUNTED], ids=lambda s: s.name)
def test_siege(siege: Any, attacked: dict[str, Any]) -> None:
    held, said = attacked[KINDS[0]]["sieges"][siege.name]
    assert held or siege.name in ELSE, said


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_named_and_root_is_given_up(kind: str, attacked: dict[str, Any]) -> None:
    told = attacked[kind]
    assert told["isolation"] == "reduced"
    assert [words for words in told["missing"] if "namespaces" in words]
    assert told["uid"] != "0"


_ASK_FOR_FULL = """
import sys
from pathlib import Path
from llm.errors import SandboxError
from llm.sandbox import open_sandbox
try: open_sandbox(Path(sys.argv[1]))
except SandboxError as error: print(error, error.remedy)
"""


def test_who_asks_for_full_is_told_of_reduced(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*_SETTING, KINDS[0], sys.executable, "-c", _ASK_FOR_FULL, str(tmp_path)]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    assert ("bwrap: root may not mount" if ROOT else "bwrap: user namespaces are switched off") in said
    assert "--security-opt" in said or "sysctl" in said
    assert "or `isolation: reduced` in your own policy" in said and "(sandlock works here)" in said


@pytest.mark.parametrize(
    ("policy", "code", "words"),
    [
        (
            "",
            5,
            "sandbox sandlock: reduced isolation (probed); not taken: the policy here asks for `isolation: full`",
        ),
        ("isolation: reduced\n", 0, "sandbox sandlock: reduced isolation (probed)"),
        ("isolation: strong\n", 5, "PROBLEM  sandbox runsc: " + ("root may" if ROOT else "user namespaces")),
    ],
    ids=["no policy", "reduced", "strong"],
)
def test_doctor_says_what_the_policy_needs_and_what_else_works(
    tmp_path: Path, policy: str, code: int, words: str
) -> None:
    (tmp_path / "torre").mkdir()
    (tmp_path / "torre" / "providers.yaml").write_text(policy or "{}\n")
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    environ |= {"PYTHONPATH": str(CHECKOUT), "XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [*_SETTING, KINDS[0], sys.executable, "-m", "llm.cli", "doctor"]
    done = subprocess.run(command, env=environ, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout
    assert ("not taken" in done.stdout) == (policy != "isolation: reduced\n")


def test_fix_becomes_green_where_a_policy_accepts_reduced(fixed: _Fixed) -> None:
    done, workspace = fixed
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reduced isolation" in done.stdout
    assert "GREEN" in done.stdout
    assert "on_hand < article.minimum" in (workspace / "src" / "stockroom" / "reorder.py").read_text()


def _fix(folder: Path) -> _Fixed:
    workspace, config = folder / "work", folder / "config" / "torre"
    shutil.copytree(CHECKOUT / "examples" / "py-tests", workspace)
    config.mkdir(parents=True)
    (config / "providers.yaml").write_text("isolation: reduced\n")
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    environ |= {"PYTHONPATH": str(CHECKOUT), "XDG_CONFIG_HOME": str(config.parent), "XDG_CACHE_HOME": str(folder)}
    command = [*_SETTING, KINDS[0], sys.executable, "-m", "llm.cli", "fix", "--max-seconds", "60"]
    return subprocess.run(
        command, env=environ, cwd=workspace, capture_output=True, text=True, check=False
    ), workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "home" / "work"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix, 'bin')}\n")
    tool = place / ".venv" / "bin" / "tool"
    tool.write_text(f"#!/bin/sh\n. {place}/words\necho $WORDS from $0\n")
    tool.chmod(0o755)
    (place / "words").write_text("WORDS=old")
    (place / "absolute").symlink_to(place / "words")
    (place / "outward").symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("intact")
    return place


@pytest.fixture
def sandbox(workspace: Path) -> Iterator[Sandbox]:
    """Here user namespaces work, so that this backend has to be asked itself."""
    with BACKEND.open(workspace) as one:
        yield one


def test_a_job_is_told_and_tells_the_workspaces_own_path(sandbox: Sandbox, workspace: Path) -> None:
    script = f'pwd; tool; cat absolute; cat "$1"; cat; echo {workspace}-other; echo {workspace}/x > $TORRE_REPORT'
    stdin = f"{workspace}/words".encode()
    files = {"words": b"WORDS=new"}
    done = sandbox.execute(Job(("sh", "-c", script, "sh", f"{workspace}/words"), files=files, stdin=stdin))
    tool = f"{workspace}/.venv/bin/tool"
    lines = f"{workspace}\nnew from {tool}\nWORDS=newWORDS=new{workspace}/words{workspace}-other\n"
    assert (done.stdout.decode(), done.stderr) == (lines, b"")
    assert done.report.decode() == f"{workspace}/x\n"
    assert (workspace / "words").read_text() == "WORDS=old"


def test_a_name_that_arrives_in_two_parts_is_still_the_workspaces(sandbox: Sandbox, workspace: Path) -> None:
    heard = []

    def listen(chunk: bytes) -> bytes:
        heard.append(chunk)
        return f"{workspace}/answer\n".encode() if chunk.endswith(b"\n") else b""

    script = (
        "import os, time\nname, path = os.environ['TORRE_REPORT'], os.getcwd()\nf = os.open(name, os.O_WRONLY)\n"
    )
    script += "for part in (path[:20], path[20:] + '/x\\n'): os.write(f, part.encode()); time.sleep(0.2)\n"
    script += "print(input() == path + '/answer')"
    done = sandbox.execute(Job(("python3", "-c", script), on_report=listen, limits=Limits(wall_s=20)))
    assert (done.stdout, b"".join(heard)) == (b"True\n", f"{workspace}/x\n".encode()), done


def test_files_are_put_in_and_never_through_a_link(sandbox: Sandbox, workspace: Path) -> None:
    done = sandbox.execute(Job(("sh", "-c", "cat a/b; ls words"), files={"a/b": b"text", "words": None}))
    assert (done.stdout, done.exit_code) == (b"text", 2)
    with pytest.raises(UnwritableError, match="outward"):
        sandbox.execute(Job(("true",), files={"outward": b"changed"}))
    assert (workspace.parents[1] / "target").read_text() == "intact"


@pytest.mark.parametrize(
    ("argv", "directory", "code"),
    [
        (("no-such-program",), ".", 127),
        (("true",), "nowhere", 127),
        (("./words",), ".", 126),
        (("sh", "-c", "kill -9 $$"), ".", None),
    ],
    ids=str,
)
def test_how_a_job_ended(sandbox: Sandbox, argv: tuple[str, ...], directory: str, code: int | None) -> None:
    done = sandbox.execute(Job(argv, directory))
    assert done.exit_code == code
    assert (done.killed == "signal 9") == (code is None)


def test_jobs_side_by_side_do_not_see_each_other(sandbox: Sandbox) -> None:
    script = "echo $0 > words; sleep 0.3; cat words; ls $HOME/tmp"
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda n: sandbox.execute(Job(("sh", "-c", script, n))), ("one", "two")))
    assert [each.stdout for each in done] == [b"one\n", b"two\n"]


def test_the_tools_of_a_test_suite_work_in_the_copy(sandbox: Sandbox) -> None:
    script = """
import fcntl, mmap, os, shutil, sqlite3, stat, tempfile
os.makedirs("new/a"); os.rename("new", "moved"); assert not os.path.exists("new")
open("moved/f", "w").write("text"); os.link("moved/f", "hard"); os.symlink("moved", "soft")
assert open("soft/f").read() == "text" and os.path.samefile("hard", "moved/f")
os.chmod("hard", 0o640); assert stat.S_IMODE(os.stat("moved/f").st_mode) == 0o640
os.utime("hard", (1, 2)); assert os.stat("hard").st_mtime == 2
fd = os.open("hard", os.O_RDWR); os.fchmod(fd, 0o600); os.utime(fd, (3, 4)); fcntl.flock(fd, fcntl.LOCK_EX)
mmap.mmap(fd, 4)[0:1] = b"T"; os.truncate("hard", 2); assert open("hard").read() == "Te"
os.close(os.open(".", os.O_TMPFILE | os.O_RDWR)); tempfile.TemporaryFile(dir=".").close()
db = sqlite3.connect("db"); db.execute("pragma journal_mode=wal"); db.execute("create table t(a)"); db.commit()
shutil.move("hard", tempfile.mkdtemp()); shutil.copytree("moved", "copied"); shutil.rmtree("moved")
try: os.mkdir("copied")
except FileExistsError: print("good")
"""
    done = sandbox.execute(Job(("python3", "-W", "ignore", "-c", script)))
    assert done.stdout == b"good\n", done.stderr.decode()


def test_nothing_is_left_of_a_job_nor_of_one_whose_torre_was_killed(workspace: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as boxes:
        Path(boxes).chmod(0o711)
        script = (
            "from pathlib import Path\nfrom llm.sandbox.backends.sandlock import BACKEND\n"
            "from llm.sandbox.base import Job\nimport sys\n"
            f"with BACKEND.open(Path({str(workspace)!r})) as one:\n"
            " one.execute(Job(('sh', '-c', 'mkdir -p a/b; chmod 0 a')))\n print('first', flush=True)\n"
            " one.execute(Job(('sh', '-c', 'sleep 60 & setsid sleep 60 & wait')))\n"
        )
        environ = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": boxes}
        with subprocess.Popen([sys.executable, "-c", script], env=environ, stdout=subprocess.PIPE) as torre:
            assert torre.stdout
            assert torre.stdout.readline() == b"first\n"
            _until(lambda: any(Path(boxes).iterdir()))
            torre.send_signal(signal.SIGKILL)
        _until(lambda: not any(Path(boxes).iterdir()))


def test_the_remedy_of_a_missing_package_is_its_extra(tmp_path: Path) -> None:
    script = "from llm.sandbox.backends.sandlock import BACKEND; p = BACKEND.probe(); print(p.problem, p.remedy)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True
    )
    assert "not installed" in done.stdout and "torre-llm[sandlock]" in done.stdout, done.stderr


def test_it_is_probed_and_said_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (probe,) = [each for each in probe_all() if each.name == "sandlock"]
    assert (probe.problem, probe.isolation, probe.purpose) == ("", "reduced", BACKEND.purpose)
    with open_sandbox(tmp_path) as preferred:
        assert preferred.isolation == "full"


def _until(holds: Any, within_s: float = 15) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
