"""Workspaces that are missing, odd or hostile: each ends in the documented exit code and names the thing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, Torre, a_long_sleep, fingerprint, processes_running

Make = Callable[..., Path]

UNUSED_IMPORT = {"app.py": '"""An app."""\n\nimport os\n\nNAME = "app"\n'}
RUFF = "ruff check --no-cache --isolated ."
# A capability less: root reads everything otherwise, and "not readable" could not be tried as root.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


def test_does_not_exist(torre: Torre, tmp_path: Path) -> None:
    ran = torre("fix", tmp_path / "nowhere")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert str(tmp_path / "nowhere") in ran.stderr


def test_is_a_file(torre: Torre, workspace: Make) -> None:
    root = workspace(UNUSED_IMPORT)
    ran = torre("fix", "--json", root / "app.py")
    assert ran.exit_code == 2
    assert str(root / "app.py") in ran.json()["error"]["message"]


def test_is_not_readable(torre: Torre, workspace: Make) -> None:
    root = workspace(UNUSED_IMPORT)
    command = (*WITHOUT_OVERRIDE, *TORRE) if os.geteuid() == 0 else TORRE
    root.chmod(0)
    try:
        ran = torre("fix", root, command=command)
    finally:
        root.chmod(0o755)
    assert ran.exit_code == 2, ran.stderr
    assert str(root) in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_home_is_closed_to_the_user(torre: Torre, workspace: Make, tmp_path: Path) -> None:
    """As after `sudo -u`. The policy that may be there is not passed over; `doctor` says what there is besides."""
    root, home = workspace(UNUSED_IMPORT), tmp_path / "home"
    command = (*WITHOUT_OVERRIDE, *TORRE) if os.geteuid() == 0 else TORRE
    home.mkdir()
    extra = {"HOME": str(home)}
    assert torre("checks", root, command=command, extra=extra).exit_code == 0
    home.chmod(0)
    try:
        ran = torre("fix", root, command=command, extra=extra)
        doctor = torre("doctor", "--json", cwd=root, command=command, extra=extra)
    finally:
        home.chmod(0o755)
    policy = home / ".config" / "torre" / "providers.yaml"
    assert (ran.exit_code, ran.stderr) == (2, f"torre: {policy}: cannot be read: Permission denied\n")
    findings = {f["name"]: f["status"] for f in doctor.json()["findings"]}
    assert findings["typescript code fixes"] == "warning"


def test_a_folder_is_closed_to_its_own_user(torre: Torre, workspace: Make) -> None:
    """No fixer of root's can change what is in it, which ends the fixer and not the run. For an ordinary
    user what is closed to a job is written before it starts; what a job itself has to write stays red."""
    root = workspace({"lib/app.py": '"""An app."""\n\nimport os\n\nNAME  =  "app"\n'})
    checks = ("--check", RUFF, "--check", "ruff format --no-cache --isolated --check .")
    assert torre("fix", *checks, root).exit_code == 0
    (root / "lib" / "app.py").chmod(0o444)
    (root / "lib").chmod(0o555)
    ran = torre("fix", *checks, root)
    assert ran.exit_code == 1, ran.stderr
    assert ("ruff: a file cannot be written in the sandbox" in ran.stderr) is (os.geteuid() == 0)


def test_has_no_checks(torre: Torre, workspace: Make) -> None:
    ran = torre("fix", "--json", workspace({"notes.txt": "milk\n"}))
    answer = ran.json()
    assert (ran.exit_code, answer["mode"], answer["diff"]) == (1, "ADVISORY", "")
    assert "no check" in answer["report"]["summary"]
    assert "--check" in answer["report"]["summary"]


def test_a_tool_that_is_missing_is_never_green(torre: Torre, workspace: Make) -> None:
    ran = torre("fix", "--json", "--check", "no-such-tool-here --all", workspace(UNUSED_IMPORT))
    report = ran.json()["report"]
    assert ran.exit_code == 1
    assert report["nothing_red"] is False
    assert [check["before"]["status"] for check in report["checks"]] != ["green"]
    assert "no-such-tool-here" in str(report)


@pytest.mark.parametrize(
    "arguments",
    [
        ("fix", "--no-such-option"),
        ("fix", "--max-seconds", "soon"),
        ("fix", "--deadline", "-1"),
        ("fix", "--check", " "),
        ("mend",),
    ],
    ids=" ".join,
)
def test_usage_errors_name_the_argument(torre: Torre, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = torre(*arguments, cwd=tmp_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert next(word for word in arguments[::-1] if word.startswith(("--", "mend"))) in ran.stderr


@pytest.mark.parametrize("name", ["with space", "accénted-日本", "new\nline", "comma,colon:back\\slash", "-dash"])
def test_odd_directory_names(torre: Torre, workspace: Make, name: str) -> None:
    root = workspace(UNUSED_IMPORT, name)
    ran = torre("fix", "--json", "--check", RUFF, cwd=root)
    assert ran.json()["mode"] == "PATCH", ran.stderr
    assert "-import os" in ran.json()["diff"]


def test_binary_files_are_in_nobodys_way(torre: Torre, workspace: Make) -> None:
    odd = {"logo.png": b"\x89PNG\r\n\x1a\n\0\0\xff", "latin.py": "# caf\xe9\n".encode("latin-1"), "nul.py": b"\0"}
    root = workspace({**UNUSED_IMPORT, **odd})
    before = fingerprint(root)
    ran = torre("fix", "--json", "--check", f"{RUFF[:-1]} app.py", root)
    assert (ran.exit_code, ran.json()["mode"]) == (0, "PATCH"), ran.stderr
    assert fingerprint(root) == before


def test_paths_that_lead_out_are_left_alone(torre: Torre, workspace: Make, tmp_path: Path) -> None:
    """ruff would follow the link and mend a file of somebody else's."""
    outside = tmp_path / "outside.py"
    outside.write_text(UNUSED_IMPORT["app.py"])
    root = workspace({"inside.py": "X = 1\n"})
    (root / "link.py").symlink_to(outside)
    ran = torre("fix", "--json", "--check", f"{RUFF[:-1]} link.py", root)
    assert ran.exit_code == 1
    assert outside.read_text() == UNUSED_IMPORT["app.py"]


def test_a_check_that_hangs_is_killed_at_the_deadline(torre: Torre, workspace: Make) -> None:
    root, seconds = workspace(UNUSED_IMPORT), a_long_sleep()
    started = time.monotonic()
    ran = torre("fix", "--json", "--deadline", "3", "--check", f"sleep {seconds} & sleep {seconds}", root)
    assert time.monotonic() - started < 20
    assert ran.exit_code == 1
    assert ran.json()["report"]["checks"][0]["before"]["killed"] == "timeout"
    assert f"sleep {seconds}" in str(ran.json()["report"]["checks"])
    assert not processes_running(seconds)


def test_a_check_that_prints_a_gigabyte_is_cut_off(torre: Torre, workspace: Make) -> None:
    started = time.monotonic()
    ran = torre("fix", "--json", "--check", "yes flood | head -c 1000000000", workspace(UNUSED_IMPORT))
    assert ran.exit_code == 1
    assert ran.json()["report"]["checks"][0]["before"]["killed"] == "output"
    assert len(ran.stdout) < 1 << 20
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("command", ["kill -9 $PPID; exit 0", "kill -9 -1", "kill -9 $$", "kill -STOP $PPID"])
def test_a_check_that_kills_what_runs_it(torre: Torre, workspace: Make, command: str) -> None:
    """Whom it can reach is inside the sandbox: Torre lives, and no such check was ever green by dying."""
    root = workspace(UNUSED_IMPORT)
    ran = torre("fix", "--json", "--deadline", "20", "--check", command, root)
    answer = ran.json()
    assert ran.exit_code in (0, 1)
    assert answer["mode"] == "ADVISORY"
    assert answer["report"]["checks"][0]["before"]["status"] == ("red" if ran.exit_code else "green")


def test_a_check_that_wipes_the_workspace_wipes_a_copy(torre: Torre, workspace: Make) -> None:
    root = workspace({**UNUSED_IMPORT, "deep/er/file.txt": "here\n"})
    before = fingerprint(root)
    ran = torre("fix", "--json", "--check", "find . -mindepth 1 -delete; test ! -e app.py && exit 3", root)
    assert ran.json()["report"]["checks"][0]["before"]["exit_code"] == 3, "it was really wiped, where it ran"
    assert fingerprint(root) == before


def test_green_from_the_start(torre: Torre, workspace: Make) -> None:
    root = workspace({"app.py": "X = 1\n"})
    ran = torre("fix", "--json", "--check", RUFF, root)
    answer = ran.json()
    assert (ran.exit_code, answer["exit_code"], answer["mode"], answer["diff"]) == (0, 0, "ADVISORY", "")
    assert answer["report"]["nothing_red"] is True
    assert answer["report"]["summary"] == "nothing was red"


def test_flaky_checks_prove_nothing(torre: Torre, workspace: Make) -> None:
    """Sixty coins a run: no two runs agree, and no run is green by chance."""
    coins = "import random\nimport pytest\n\n\n@pytest.mark.parametrize('n', range(60))\ndef test_coin(n):\n"
    root = workspace({"test_coins.py": coins + "    assert random.SystemRandom().random() < 0.5\n"})
    ran = torre("fix", "--json", "--max-seconds", "5", "--check", "pytest -q", root)
    answer = ran.json()
    assert (ran.exit_code, answer["mode"]) == (1, "ADVISORY")
    assert "flaky" in answer["report"]["summary"]
    assert "test_coin" in answer["report"]["summary"]


def test_a_command_in_a_log_is_never_run(ask: Torre, workspace: Make, tmp_path: Path) -> None:
    root = workspace({"notes.txt": "milk\n"})
    marker = tmp_path / "ran"
    ran = ask({"workspace": str(root), "logs": {"ci": f"$ touch {marker}\n+ touch {marker}\nerror: failed\n"}})
    assert ran.exit_code == 1
    assert not marker.exists()
