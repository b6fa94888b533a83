"""Where no sandbox can be had: said so, with the remedy; and the probe believes only what it has attacked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llm.domain import Isolation
from llm.errors import SandboxError, WorkspaceError
from llm.sandbox import open_sandbox, probe_all
from llm.sandbox.base import Completed, Job
from llm.sandbox.diagnosis import explain, not_installed
from llm.sandbox.probing import probe


class Unconfined:
    """The negative control: a "sandbox" that runs the job as it is."""

    isolation = Isolation.FULL
    missing: tuple[str, ...] = ()

    def execute(self, job: Job) -> Completed:
        with subprocess.Popen(job.argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            said = b""
            while not said.endswith(b"done\n"):
                said += process.stdout.readline()
        children = subprocess.run(["pgrep", "-xf", "sleep 60"], capture_output=True, text=True, check=False)
        assert children.stdout.split()
        return Completed(None, 0.0, stdout=said, killed="timeout")

    def find(self, program: str, directory: str = ".") -> str | None:
        return program


@contextmanager
def unconfined(workspace: Path) -> Iterator[Unconfined]:
    yield Unconfined()


def test_every_attack_of_the_probe_works_on_what_confines_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = probe("unconfined", lambda: "1", unconfined)
    assert result.isolation is Isolation.NONE
    for attack in ("read", "write", "tcp", "abstract socket", "path socket", "processes", "orphan"):
        assert attack in result.problem
    assert list(tmp_path.iterdir()) == []


def test_the_probe_is_good_here_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = probe_all()
    found = {p.name: (p.isolation, p.problem) for p in first}
    assert found["bwrap"] == (Isolation.FULL, "")
    assert found["runsc"] == (Isolation.STRONG, "")
    (remembered,) = (tmp_path / "torre").glob("sandbox-bwrap-*")
    assert remembered.read_text() == "full"
    assert probe_all() == first


@pytest.mark.parametrize("path", ["/no/such/place", "/etc/hostname", "/"])
def test_what_cannot_be_a_workspace(path: str) -> None:
    with pytest.raises(WorkspaceError, match="workspace"), open_sandbox(Path(path)):
        pass


@pytest.mark.parametrize("path", ["/dev/shm", "/proc/self/task", "/run"])
def test_what_a_job_has_of_its_own_cannot_be_a_workspace(path: str) -> None:
    """It would find the folder empty, and a check that is not there."""
    with (
        pytest.raises(WorkspaceError, match=r"has a /(dev|proc|run/torre/home) of its own"),
        open_sandbox(Path(path)),
    ):
        pass


def test_without_bwrap_there_is_no_sandbox(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bwrap") as caught:
        open_sandbox(workspace)
    assert caught.value.exit_code == 5
    assert "bubblewrap" in caught.value.remedy


def test_user_namespaces_switched_off_is_told_apart(workspace: Path) -> None:
    """Really switched off, in a namespace of the test's own."""
    script = (
        "import sys, os; os.environ['XDG_CACHE_HOME'] = sys.argv[1]\n"
        "from llm.sandbox import probe_all; p, *_ = probe_all(); print(p.problem, '|', p.remedy)"
    )
    off = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    command = ["unshare", "-Ur", "sh", "-c", off, "sh", sys.executable, "-c", script, str(workspace)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "user namespaces are switched off" in done.stdout, done.stdout
    assert "max_user_namespaces" in done.stdout or "--security-opt" in done.stdout


@pytest.mark.parametrize(
    ("text", "meaning", "remedy"),
    [
        (
            "[Errno 13] setting up uid map: Permission denied",
            "AppArmor",
            "apparmor_restrict_unprivileged_userns = 0",
        ),
        ("bwrap: setting up uid map: Permission denied", "AppArmor", "apparmor_restrict_unprivileged_userns = 0"),
        ("[Errno 13] mount slave: Permission denied", "AppArmor", "apparmor_restrict_unprivileged_userns = 0"),
        ("[Errno 28] unshare: No space left on device", "user namespaces", "max_user_namespaces"),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            "user namespaces",
            "max_user_namespaces",
        ),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "/proc is masked", "systempaths"),
        ("[Errno 1] unshare mounts: Operation not permitted", "CAP_SYS_ADMIN", "--cap-add SYS_ADMIN"),
        ("bwrap: pivot_root: Operation not permitted", "a system call filter", "seccomp=unconfined"),
        ("[Errno 1] setting up uid map: Operation not permitted", "CAP_SETUID", "ordinary user"),
        ("the sandbox did not hold (processes)", "not counted", "ordinary user"),
        ("[Errno 22] mount_setattr: Invalid argument", "file system", "ordinary user"),
        ("[Errno 1] mount_setattr: Operation not permitted", "file system", "ordinary user"),
        (
            "[Errno 75] Value too large for defined data type: '/w is of 0:0, not 7:7'",
            "another user or group",
            "chown -R",
        ),
        ("[Errno 1] mount overlay: Operation not permitted", "overlay", "5.11"),
        ("[Errno 38] open_tree /x: Function not implemented", "too old", "5.12"),
        ("something new", "something new", "torre doctor"),
    ],
)
def test_known_errors_have_their_remedy(text: str, meaning: str, remedy: str) -> None:
    error = explain(text, in_container=False)
    assert meaning in str(error)
    assert text in str(error)
    assert remedy in error.remedy


def test_in_a_container_the_remedy_is_the_containers() -> None:
    assert "--security-opt" in explain("unshare: Operation not permitted", in_container=True).remedy
    both = explain("setting up uid map: Permission denied", in_container=True).remedy
    assert "--security-opt" in both and "apparmor_restrict_unprivileged_userns = 0" in both


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "sudo apt-get install bubblewrap"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt-get install bubblewrap"),
        ("ID=fedora\n", "sudo dnf install bubblewrap"),
        ("ID=other\n", "install the package `bubblewrap`"),
    ],
)
def test_the_install_command_is_the_distributions(release: str, command: str) -> None:
    assert not_installed(os_release=release).remedy == command
