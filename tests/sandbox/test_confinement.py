"""What a job must not reach. Each attack is shown to work outside of the sandbox first."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.sandbox.conftest import Runner

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="the attack needs to be root outside to succeed there")


def outside(script: str) -> str:
    """What the attack prints without a sandbox."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout


@pytest.fixture
def tcp() -> Iterator[int]:
    """A listener on the host's loopback."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_file_beside_the_workspace(runner: Runner) -> None:
    secret = runner.workspace.parent / "secret.txt"
    attack = f"print(open({str(secret)!r}).read())"
    assert outside(attack) == "canary\n"
    done = runner.python(attack)
    assert "canary" not in done["stdout"]
    assert "FileNotFoundError" in done["stderr"]


def test_a_write_beside_the_workspace(runner: Runner) -> None:
    stray = runner.workspace.parent / "stray"
    attack = f"open({str(stray)!r}, 'w').write('x')"
    runner.python(attack)
    assert not stray.exists()
    outside(attack)
    assert stray.exists()


def test_the_root_of_another_process(runner: Runner) -> None:
    secret = runner.workspace.parent / "secret.txt"
    for pid in (1, "self", "$PPID"):
        assert "canary" not in runner.sh(f"cat /proc/{pid}/root{secret} /proc/{pid}/cwd/../secret.txt")["stdout"]


def test_the_system_cannot_be_written(runner: Runner) -> None:
    done = runner.sh("for d in / /usr /etc /usr/bin /dev; do touch $d/torre-x 2>/dev/null && echo wrote $d; done")
    assert done["stdout"] == ""


def test_no_variable_of_the_host_enters(runner: Runner) -> None:
    done = runner.sh("env; cat /proc/*/environ", secrets={"OPENAI_API_KEY": "sk-planted"})
    names = {line.split("=")[0] for line in done["stdout"].split("\0")[0].splitlines() if "=" in line}
    assert "sk-planted" not in done["stdout"]
    assert {"PATH", "HOME", "LANG", "TMPDIR", "TORRE_REPORT"} <= names
    tools = {"RUSTUP_HOME", "GOMODCACHE"}
    assert names <= tools | {"PATH", "HOME", "LANG", "TMPDIR", "TORRE_REPORT", "PWD", "OLDPWD", "SHLVL", "_"}


def test_the_variables_of_the_job_enter(runner: Runner) -> None:
    assert runner.sh("echo $CI", env={"CI": "with space=1"})["stdout"] == "with space=1\n"


def test_home_is_empty_and_writable(runner: Runner) -> None:
    done = runner.sh("ls -A $HOME; echo x > $HOME/x && cat $HOME/x")
    assert done["stdout"] == "x\n"


def test_the_hosts_loopback(runner: Runner, tcp: int) -> None:
    attack = f"import socket; socket.create_connection(('127.0.0.1', {tcp}), 2); print('through')"
    assert outside(attack) == "through\n"
    assert runner.python(attack)["stdout"] == ""


def test_an_abstract_socket_of_the_host(runner: Runner) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        name = f"torre-test-{os.getpid()}"
        server.bind("\0" + name)
        server.listen()
        attack = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0{name}'); print('through')"
        assert outside(attack) == "through\n"
        assert runner.python(attack)["stdout"] == ""


def test_a_job_has_a_loopback_of_its_own(runner: Runner) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    assert runner.python(script)["exit_code"] == 0


def test_vsock_and_other_socket_families(runner: Runner) -> None:
    attack = "import socket\nfor f in (socket.AF_VSOCK, socket.AF_PACKET, 38):\n try: socket.socket(f, 3)\n"
    attack += " except OSError as e: print(e.errno)"
    assert runner.python(attack)["stdout"].split() == ["1", "1", "1"]


def test_another_user_namespace(runner: Runner) -> None:
    clone = "import ctypes; print(ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0) >= 0)"
    done = runner.sh("unshare -U true && echo through; unshare -m true && echo through")
    assert done["stdout"] == ""
    assert "True" not in runner.python(clone)["stdout"]
    assert "True" in outside(clone)


def test_refused_system_calls(runner: Runner) -> None:
    """keyctl works outside; inside it is refused by the filter, as bpf and perf are."""
    attack = "import ctypes, os; c = ctypes.CDLL(None, use_errno=True)\n"
    attack += "for n in (250, 321, 298, 425): c.syscall(n, 0, -3, 0, 0, 0); print(ctypes.get_errno())"
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    assert runner.python(attack)["stdout"].split() == ["1"] * 4
    assert outside(attack).split() != ["1"] * 4


def test_no_capability_and_no_new_privilege(runner: Runner) -> None:
    done = runner.sh("grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status")
    assert done["stdout"].split() == [
        "CapEff:",
        "0" * 16,
        "CapBnd:",
        "0" * 16,
        "NoNewPrivs:",
        "1",
        "Seccomp:",
        "2",
    ]


def test_a_job_is_not_root_even_if_torre_is(runner: Runner) -> None:
    assert int(runner.sh("id -u")["stdout"]) != 0


@ROOT_ONLY
def test_root_owned_files_can_be_edited_inside_only(runner: Runner) -> None:
    (runner.workspace / "a.txt").chmod(0o600)
    assert runner.sh("echo more >> a.txt && cat a.txt")["stdout"] == "amore\n"
    assert (runner.workspace / "a.txt").read_text() == "a"


def test_processes_of_the_host_are_not_seen(runner: Runner) -> None:
    pids = runner.sh("ls /proc | grep -c '^[0-9]'")["stdout"]
    assert int(pids) < 8


def test_no_descriptor_of_torre_is_inherited(runner: Runner) -> None:
    script = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])"
    assert runner.python(script)["stdout"] == "[0, 1, 2]\n"


def test_the_sandbox_counts_as_full(runner: Runner) -> None:
    assert runner.sh("true")["isolation"] == "full"
