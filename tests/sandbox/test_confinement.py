"""What a job is given and what it is not: variables, a home, capabilities. The attacks are in `tests/attacks`."""

from __future__ import annotations

import os

import pytest

from tests.sandbox.runner import Runner

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="the attack needs to be root outside to succeed there")


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


def test_a_job_has_a_loopback_of_its_own(runner: Runner) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    assert runner.python(script)["exit_code"] == 0


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
